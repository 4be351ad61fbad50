// GIF is passed through: its pixels stay byte for byte.
#pragma once

#include <cstdint>
#include <span>

#include "core/codec.h"
#include "formats/limits.h"

namespace imgbatch {

// From the header alone; see Codec::Cost.
Result<CodecCost, Failure> GifCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits);

// See Codec::Convert. Walks all blocks up to the trailer, so that a cut off
// file is refused; leaves out comments and foreign application data. Always
// kKeptOriginal.
Result<ConvertedImage, Failure> ConvertGif(std::span<const uint8_t> source,
                                           const Recipe& recipe,
                                           const CodecLimits& limits);

}  // namespace imgbatch
