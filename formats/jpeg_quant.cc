#include "formats/jpeg_quant.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace imgbatch {
namespace {

// T.81, tables K.1 and K.2, row-major.
constexpr std::array<uint8_t, 64> kLuma = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
constexpr std::array<uint8_t, 64> kChroma = {
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

}  // namespace

const std::array<uint8_t, 64> kJpegNaturalOrder = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

JpegPlane PlaneOf(const JpegHeader& header, int component) {
  const bool has_chroma =
      header.color == JpegColor::kYcc || header.color == JpegColor::kYcck;
  return has_chroma && (component == 1 || component == 2) ? JpegPlane::kChroma
                                                          : JpegPlane::kLuma;
}

JpegSteps StepsAtQuality(int quality, JpegPlane plane) {
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  const auto& base = plane == JpegPlane::kLuma ? kLuma : kChroma;
  JpegSteps steps;
  for (size_t i = 0; i < 64; ++i) {
    const int step = (base[kJpegNaturalOrder[i]] * percent + 50) / 100;
    steps[i] = static_cast<uint16_t>(std::clamp(step, 1, 255));
  }
  return steps;
}

int EstimateQuality(const JpegSteps& steps) {
  int best = 1;
  int best_distance = std::numeric_limits<int>::max();
  for (int quality = 1; quality <= 100; ++quality) {
    const JpegSteps candidate = StepsAtQuality(quality, JpegPlane::kLuma);
    int distance = 0;
    for (size_t i = 0; i < 64; ++i) {
      distance += std::abs(candidate[i] - steps[i]);
    }
    if (distance <= best_distance) {
      best = quality;
      best_distance = distance;
    }
  }
  return best;
}

JpegStepPlan PlanSteps(const JpegHeader& header,
                       const std::array<JpegSteps, 4>& source,
                       const Recipe& recipe) {
  JpegStepPlan plan{.source = source};
  int quality = recipe.quality;
  if (recipe.quality_is_percent) {
    quality = (EstimateQuality(source[0]) * recipe.quality + 50) / 100;
  }
  quality = std::clamp(quality, 1, 100);
  for (int i = 0; i < header.components; ++i) {
    plan.plane[i] = PlaneOf(header, i);
    const JpegSteps cap = StepsAtQuality(quality, plan.plane[i]);
    for (size_t k = 0; k < 64; ++k) {
      plan.target[i][k] = std::max(plan.source[i][k], cap[k]);
    }
    if (plan.target[i] != plan.source[i]) plan.coarser = true;
  }
  return plan;
}

JpegRequantizer::JpegRequantizer(const JpegSteps& source,
                                 const JpegSteps& target, JpegPlane plane) {
  for (size_t i = 0; i < 64; ++i) {
    const uint64_t step = target[i];
    const uint64_t reciprocal = (uint64_t{1} << kShift) / step + 1;
    const bool chroma = plane == JpegPlane::kChroma && i != 0;
    scale_[i] = source[i] * reciprocal;
    bias_[i] = (chroma ? step * 2 / 5 : step / 2) * reciprocal;
    dead_[i] = i == 0 ? 0 : (step * 13 / 25 + 1) * reciprocal;
    // Equal steps change nothing.
    if (source[i] == target[i]) dead_[i] = 0;
  }
}

}  // namespace imgbatch
