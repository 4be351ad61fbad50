// Decoders of the tests' own, and how far two pictures are from each other.
#pragma once

#include <cstdint>
#include <span>

#include "formats/pixels.h"

namespace imgbatch {

// 8-bit RGB or RGBA by libpng as it comes, RGBA by libwebp, grey or RGB by
// libjpeg. No pixels when the decoder refuses.
Pixels ReadPng(std::span<const uint8_t> bytes);
Pixels ReadWebp(std::span<const uint8_t> bytes);
Pixels ReadJpeg(std::span<const uint8_t> bytes);

// Root of the mean squared difference of premultiplied 8-bit samples; 1e9 when
// the sizes differ. Any channel counts.
double Difference(const Pixels& a, const Pixels& b);

}  // namespace imgbatch
