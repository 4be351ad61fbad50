// The colours of a picture, alike ones taken together.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/colour_space.h"

namespace imgbatch {

struct ColourCount {
  Point mean{};      // Of the pixels counted here.
  float weight = 0;  // Their number; flat ones count kFlatWeight each.
  float spread = 0;  // Sum of their weighted squared distances from the mean.
  uint32_t number = 0;  // In the order of the first pixels.
};

// A pixel that equals its left and its upper neighbour counts this much: the
// white around a product says nothing about how well the product is shown.
inline constexpr float kFlatWeight = 1.0F / 16;

// At most 65,536 entries; coarser cells where there would be more. The order
// follows the first pixels, so equal pictures give equal histograms.
std::vector<ColourCount> CountColours(const std::vector<uint8_t>& rgba,
                                      uint32_t width);

}  // namespace imgbatch
