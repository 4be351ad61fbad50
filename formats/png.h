// PNG in, smaller PNG out, and pixels into PNG.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/codec.h"
#include "formats/limits.h"
#include "formats/pixels.h"

namespace imgbatch {

// From the header alone; see Codec::Cost.
Result<CodecCost, Failure> PngCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits);

// See Codec::Convert. An animated PNG is kept as it is, and the reason says so.
Result<ConvertedImage, Failure> ConvertPng(std::span<const uint8_t> source,
                                           const Recipe& recipe,
                                           const CodecLimits& limits);

// A PNG file of the pixels, under the recipe, with their profile. For formats
// without a compressor of their own.
std::vector<uint8_t> EncodePng(Pixels pixels, const Recipe& recipe);

}  // namespace imgbatch
