// AVIF in, smaller AVIF out, when the program was built with libavif.
#pragma once

#include <cstdint>
#include <span>

#include "core/codec.h"
#include "formats/limits.h"

namespace imgbatch {

// From the container's boxes alone; see Codec::Cost. kUnsupportedFormat in a
// build without libavif.
Result<CodecCost, Failure> AvifCost(std::span<const uint8_t> source,
                                    const CodecLimits& limits);

// See Codec::Convert. Depth, sampling, colour description, profile and the
// turning of the picture stay; an image sequence is kept as it is.
Result<ConvertedImage, Failure> ConvertAvif(std::span<const uint8_t> source,
                                            const Recipe& recipe,
                                            const CodecLimits& limits);

}  // namespace imgbatch
