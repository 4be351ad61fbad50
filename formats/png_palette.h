// A PNG of few colours from one of many.
#pragma once

#include <optional>

#include "formats/png_reduce.h"

namespace imgbatch {

// `image` is 8-bit RGBA; `wanted` and `tolerated` as in quantise.h. nullopt
// when a palette cannot be had under `freedom`, or would show.
std::optional<PngImage> QuantisePng(const PngImage& image,
                                    const PngFreedom& freedom, double wanted,
                                    double tolerated);

}  // namespace imgbatch
