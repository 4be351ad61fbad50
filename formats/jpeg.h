// JPEG in, smaller JPEG out, and pixels into JPEG.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/codec.h"
#include "formats/limits.h"
#include "formats/pixels.h"

namespace imgbatch {

// From the header alone; see Codec::Cost.
Result<CodecCost, Failure> JpegCost(std::span<const uint8_t> source,
                                    const CodecLimits& limits);

// See Codec::Convert. Requantises coefficients where that is right, else goes
// through pixels; keeps the colour profile and the orientation.
Result<ConvertedImage, Failure> ConvertJpeg(std::span<const uint8_t> source,
                                            const Recipe& recipe,
                                            const CodecLimits& limits);

// Encodes grey or RGB pixels (channels 1 or 3) at `quality` 1..100 with
// 4:2:0 subsampling and optimal tables. Fails when a side is over 65,500.
Result<std::vector<uint8_t>, Failure> EncodeJpeg(const Pixels& pixels,
                                                 int quality);

}  // namespace imgbatch
