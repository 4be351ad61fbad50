// Whole pictures of coefficients, from libjpeg's blocks to tokens.
#pragma once

#include <array>

#include "formats/jpeg_lib.h"
#include "formats/jpeg_tokens.h"

namespace imgbatch {

using JpegRequantizers = std::array<JpegRequantizer, 4>;
JpegRequantizers RequantizersOf(const JpegStepPlan& plan);

// False when a coefficient is out of the range that 8-bit samples can give.
bool TokensFromCoefficients(const JpegHeader& header,
                            const JpegCoefficients& coefficients,
                            const JpegRequantizers& requantizers,
                            JpegTokens& tokens);

}  // namespace imgbatch
