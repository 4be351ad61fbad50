// PNG's row filters (PNG specification, section 9).
#pragma once

#include <array>
#include <vector>

#include "formats/png_pixels.h"

namespace imgbatch {

enum class PngFilter : uint8_t {
  kNone = 0,
  kSub = 1,
  kUp = 2,
  kAverage = 3,
  kPaeth = 4,
  kLeastSum,  // Per row the one of the five whose bytes are smallest.
};
inline constexpr std::array<PngFilter, 6> kPngFilters{
    PngFilter::kNone,    PngFilter::kSub,   PngFilter::kUp,
    PngFilter::kAverage, PngFilter::kPaeth, PngFilter::kLeastSum};

// Rows first..last-1, each with its filter byte before it.
std::vector<uint8_t> FilterRows(const PngImage& image, PngFilter filter,
                                size_t first, size_t last);

}  // namespace imgbatch
