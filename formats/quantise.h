// From millions of colours to a palette of few, where nobody will mind.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace imgbatch {

struct Quantised {
  std::vector<std::array<uint8_t, 4>> palette;  // RGBA, 1..256 entries.
  std::vector<uint8_t> indices;                 // One a pixel.
  // Mean squared error of the nearest colours, before dithering; see below.
  double error = 0;
};

// How far colours are from each other: the squared difference of 8-bit samples
// when the picture lies on black, and when it lies on white, the mean of both;
// of the channels, green counts most (weights 0.9, 1.5, 0.6). For opaque grey
// differences it is the plain squared difference.
//
// Picks the fewest colours whose mean error is at most `wanted`, and then
// spreads what is left by error diffusion. nullopt when 256 colours leave more
// than `tolerated`. `rgba`: 8-bit RGBA, rows without padding, not empty. The
// memory beside the result does not exceed kQuantiserMemory plus 64 bytes for
// each pixel of one row.
std::optional<Quantised> Quantise(const std::vector<uint8_t>& rgba,
                                  uint32_t width, double wanted,
                                  double tolerated);
inline constexpr uint64_t kQuantiserMemory = 12 << 20;

}  // namespace imgbatch
