#include "formats/jpeg_requantize.h"

#include <algorithm>

namespace imgbatch {

JpegRequantizers RequantizersOf(const JpegStepPlan& plan) {
  JpegRequantizers requantizers;
  for (size_t i = 0; i < 4; ++i) {
    if (plan.target[i][0] == 0) continue;  // No such component.
    requantizers[i] =
        JpegRequantizer(plan.source[i], plan.target[i], plan.plane[i]);
  }
  return requantizers;
}

bool TokensFromCoefficients(const JpegHeader& header,
                            const JpegCoefficients& coefficients,
                            const JpegRequantizers& requantizers,
                            JpegTokens& tokens) {
  const JpegUnits units = UnitsOf(header);
  const size_t unit_tokens =
      kMaxTokensPerBlock * static_cast<size_t>(units.blocks_per_unit);
  std::array<JpegToken, 4> tables{};
  std::array<int32_t, 4> predicted{};
  for (int i = 0; i < header.components; ++i) tables[i] = TablesOf(header, i);
  size_t used = 0;
  bool in_range = true;
  for (uint32_t row = 0; row < units.down; ++row) {
    for (uint32_t column = 0; column < units.across; ++column) {
      if (tokens.capacity() < used + unit_tokens) {
        tokens.Grow(used, std::max(2 * tokens.capacity(), used + unit_tokens));
      }
      const uint64_t padding =
          (column + 1 == units.across ? units.padding_right : 0) |
          (row + 1 == units.down ? units.padding_bottom : 0);
      JpegToken* out = tokens.data() + used;
      for (int n = 0; n < units.blocks_per_unit; ++n) {
        const JpegUnits::Block place = units.blocks[n];
        const int c = place.component;
        if (padding >> n & 1) {
          *out++ = DcToken(tables[c], 0);
          *out++ = EndToken(tables[c]);
          continue;
        }
        const bool alone = header.components == 1;
        const int16_t* block = coefficients.Block(
            c, row * (alone ? 1 : header.component[c].v) + place.y,
            column * (alone ? 1 : header.component[c].h) + place.x);
        in_range &= block[0] >= -2048 && block[0] <= 2047;
        const int32_t dc = requantizers[c](0, block[0]);
        *out++ = DcToken(tables[c], dc - predicted[c]);
        predicted[c] = dc;
        int last = 0;
        for (int k = 1; k < 64; ++k) {
          const int32_t value = block[kJpegNaturalOrder[k]];
          if (value == 0) continue;
          in_range &= value >= -1023 && value <= 1023;
          const int32_t moved = requantizers[c](k, value);
          if (moved == 0) continue;
          *out++ = AcToken(tables[c], k, moved);
          last = k;
        }
        if (last != 63) *out++ = EndToken(tables[c]);
      }
      used = static_cast<size_t>(out - tokens.data());
    }
  }
  tokens.Resize(used);
  return in_range;
}

}  // namespace imgbatch
