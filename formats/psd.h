// PSD: the composite picture of a Photoshop file. Our own decoder, since that
// of stb_image wraps around where transparency was flattened inexactly.
#pragma once

#include <cstdint>
#include <span>

#include "core/codec.h"
#include "formats/limits.h"
#include "formats/pixels.h"

namespace imgbatch {

// From the header alone; see Codec::Cost. The memory is that of the decoder.
Result<CodecCost, Failure> PsdCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits);

// RGB or RGBA, with the colour profile. Fails with kCorruptImage when pixels
// are missing, with kUnsupportedFormat for variants that would come out wrong.
Result<Pixels, Failure> DecodePsd(std::span<const uint8_t> source,
                                  const CodecLimits& limits);

}  // namespace imgbatch
