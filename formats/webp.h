// WebP in, smaller WebP out.
#pragma once

#include <cstdint>
#include <span>

#include "core/codec.h"
#include "formats/limits.h"

namespace imgbatch {

// From the header alone; see Codec::Cost.
Result<CodecCost, Failure> WebpCost(std::span<const uint8_t> source,
                                    const CodecLimits& limits);

// See Codec::Convert. A lossy picture is encoded again at the recipe's
// quality; a lossless one too, unless lossless is smaller. Colour profile and
// orientation are kept.
Result<ConvertedImage, Failure> ConvertWebp(std::span<const uint8_t> source,
                                            const Recipe& recipe,
                                            const CodecLimits& limits);

}  // namespace imgbatch
