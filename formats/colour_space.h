// The space in which colours are compared; see quantise.h.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace imgbatch {

// Four floats that the compiler adds and multiplies at once (an extension of
// GCC and Clang, on every processor).
using Point = float __attribute__((vector_size(16)));

// Square roots of the weights 0.9, 1.5 and 0.6 over their sum.
inline constexpr std::array<float, 3> kChannelScale{0.5477226F, 0.7071068F,
                                                    0.4472136F};

// On black a channel is c*a, on white c*a + (1 - a). The mean of both squared
// differences is (dc - da/2)^2 + (da/2)^2 with c premultiplied, so these four
// coordinates make it a plain distance.
inline Point ToPoint(const uint8_t* rgba) {
  const float alpha = rgba[3];
  const float share = alpha / 255.0F;
  Point point{};
  for (int c = 0; c < 3; ++c) {
    point[c] =
        (static_cast<float>(rgba[c]) * share - alpha / 2) * kChannelScale[c];
  }
  point[3] = alpha / 2;
  return point;
}

inline std::array<uint8_t, 4> ToRgba(const Point& point) {
  const auto round = [](float v) {
    return static_cast<uint8_t>(std::lround(std::fmin(std::fmax(v, 0), 255)));
  };
  std::array<uint8_t, 4> rgba{};
  rgba[3] = round(point[3] * 2);
  if (rgba[3] == 0) return rgba;
  const float alpha = rgba[3];
  for (int c = 0; c < 3; ++c) {
    const float premultiplied = point[c] / kChannelScale[c] + alpha / 2;
    rgba[c] = round(premultiplied * 255.0F / alpha);
  }
  return rgba;
}

inline float SquaredDistance(const Point& a, const Point& b) {
  const Point d = (a - b) * (a - b);
  return (d[0] + d[1]) + (d[2] + d[3]);
}

}  // namespace imgbatch
