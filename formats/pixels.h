// A decoded picture, between a decoder and an encoder.
#pragma once

#include <cstdint>
#include <vector>

namespace imgbatch {

struct Pixels {
  uint32_t width = 0;
  uint32_t height = 0;
  int channels = 3;  // 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA; interleaved.
  std::vector<uint8_t> data;  // 8 bits a sample, rows without padding.
  std::vector<uint8_t> icc;   // Colour profile; empty: sRGB.
};

}  // namespace imgbatch
