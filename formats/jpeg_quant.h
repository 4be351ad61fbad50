// Quantisation steps: what a quality means, how far a source may be coarsened,
// and exact integer requantisation. Pure. Zigzag order throughout.
#pragma once

#include <array>
#include <cstdint>

#include "core/recipe.h"
#include "formats/jpeg_markers.h"

namespace imgbatch {

using JpegSteps = std::array<uint16_t, 64>;

// Row-major index of the n-th coefficient in zigzag order (T.81, figure A.6).
extern const std::array<uint8_t, 64> kJpegNaturalOrder;

enum class JpegPlane : uint8_t { kLuma, kChroma };

// Chroma for the colour-difference components, luma for all others.
JpegPlane PlaneOf(const JpegHeader& header, int component);

// The tables of T.81 annex K, scaled as the IJG's software scales them.
// `quality` 1..100; every step is 1..255.
JpegSteps StepsAtQuality(int quality, JpegPlane plane);

// The quality whose luma table is nearest to `steps`.
int EstimateQuality(const JpegSteps& steps);

// Steps of each component before and after.
struct JpegStepPlan {
  std::array<JpegSteps, 4> source{};
  std::array<JpegSteps, 4> target{};
  bool coarser = false;  // Any step differs.
};

// target = max(source, the recipe's cap): never finer than the source.
JpegStepPlan PlanSteps(const JpegHeader& header,
                       const std::array<JpegSteps, 4>& source,
                       const Recipe& recipe);

// Moves coefficients from one step to another that is not finer. Rounds the
// DC coefficient to the nearest value; others round up only from 0.6 on, which
// costs less than it saves (measured on product photos: 5 % fewer bytes, no
// worse by ssimulacra).
class JpegRequantizer {
 public:
  JpegRequantizer() = default;
  JpegRequantizer(const JpegSteps& source, const JpegSteps& target);

  // Exact for |value| < 2^15. `position` in zigzag order.
  int32_t operator()(int position, int32_t value) const {
    const uint32_t magnitude =
        static_cast<uint32_t>(value < 0 ? -value : value);
    const auto moved = static_cast<int32_t>(
        (magnitude * scale_[position] + bias_[position]) >> kShift);
    return value < 0 ? -moved : moved;
  }

  bool operator==(const JpegRequantizer&) const = default;

 private:
  // With m = floor(2^48 / target) + 1, floor(n / target) = n * m >> 48 for
  // every n that occurs: n < 2^31 and target < 2^16, so the error n * target
  // stays below 2^48; and n / target < 2^15, so the product fits 64 bits.
  static constexpr int kShift = 48;
  std::array<uint64_t, 64> scale_{};
  std::array<uint64_t, 64> bias_{};
};

}  // namespace imgbatch
