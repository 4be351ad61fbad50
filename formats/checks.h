// Judgements that every format shares: what is refused, and what pays.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/codec.h"
#include "formats/limits.h"

namespace imgbatch {

// kCorruptImage and kUnsupportedFormat with the sentence given.
Failure Corrupt(std::string message);
Failure Unsupported(std::string message);

// kTooManyPixels above the limits, kCorruptImage when a side is 0.
Result<void, Failure> CheckSize(uint64_t width, uint64_t height,
                                const CodecLimits& limits);

// True when `result` bytes save at least the recipe's share of `source` bytes
// (and one byte at the least).
bool Pays(size_t result, size_t source, const Recipe& recipe);

// "saves less than 2 %", for ConvertedImage::reason.
std::string NotWorthIt(const Recipe& recipe);

// How many pixels all frames of an animation may have together, per pixel of
// max_pixels: above it takes longer than an image may (man page 7, limits).
inline constexpr uint64_t kMaxAnimationFactor = 4;

}  // namespace imgbatch
