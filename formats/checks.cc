#include "formats/checks.h"

#include <fmt/format.h>

namespace imgbatch {

Failure Corrupt(std::string message) {
  return Failure{FailureCode::kCorruptImage, 0, std::move(message)};
}

Failure Unsupported(std::string message) {
  return Failure{FailureCode::kUnsupportedFormat, 0, std::move(message)};
}

Result<void, Failure> CheckSize(uint64_t width, uint64_t height,
                                const CodecLimits& limits) {
  if (width == 0 || height == 0) return Corrupt("the picture has no pixels");
  if (width > limits.max_side || height > limits.max_side ||
      width * height > limits.max_pixels) {
    return Failure{
        FailureCode::kTooManyPixels, 0,
        fmt::format("{} x {} pixels; the limit is {} pixels and {} a side",
                    width, height, limits.max_pixels, limits.max_side)};
  }
  return {};
}

bool Pays(size_t result, size_t source, const Recipe& recipe) {
  const uint64_t keep = 100 - static_cast<uint64_t>(recipe.min_savings_percent);
  return result < source && uint64_t{result} * 100 <= uint64_t{source} * keep;
}

std::string NotWorthIt(const Recipe& recipe) {
  return fmt::format("saves less than {} %", recipe.min_savings_percent);
}

}  // namespace imgbatch
