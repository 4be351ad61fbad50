// TGA through stb_image, which believes what files say; so everything is
// checked here first, and what stb_image would do wrong is refused.
#pragma once

#include <cstdint>
#include <span>

#include "core/codec.h"
#include "formats/limits.h"
#include "formats/pixels.h"

namespace imgbatch {

// From the header alone; see Codec::Cost. The memory is that of the decoder.
Result<CodecCost, Failure> TgaCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits);

// Fails with kCorruptImage when pixels are missing, with kUnsupportedFormat
// for variants that would come out wrong.
Result<Pixels, Failure> DecodeTga(std::span<const uint8_t> source,
                                  const CodecLimits& limits);

}  // namespace imgbatch
