#include "formats/jpeg_tokens.h"

#include <algorithm>

namespace imgbatch {

void JpegTokens::Grow(size_t used, size_t capacity) {
  if (capacity <= capacity_) return;
  std::unique_ptr<JpegToken[]> grown(new JpegToken[capacity]);
  std::copy_n(data_.get(), used, grown.get());
  data_ = std::move(grown);
  capacity_ = capacity;
}

void JpegTokens::Release() {
  data_.reset();
  size_ = capacity_ = 0;
}

JpegUnits UnitsOf(const JpegHeader& header) {
  JpegUnits units;
  if (header.components == 1) {
    const JpegGrid grid = BlockGrid(header, 0);
    units.blocks_per_unit = 1;
    units.across = grid.width;
    units.down = grid.height;
    return units;
  }
  const JpegGrid first = BlockGrid(header, 0);
  units.across = first.padded_width / header.component[0].h;
  units.down = first.padded_height / header.component[0].v;
  for (int i = 0; i < header.components; ++i) {
    const JpegComponent& component = header.component[i];
    const JpegGrid grid = BlockGrid(header, i);
    for (uint8_t y = 0; y < component.v; ++y) {
      for (uint8_t x = 0; x < component.h; ++x) {
        const int n = units.blocks_per_unit++;
        units.blocks[n] = {static_cast<uint8_t>(i), x, y};
        if ((units.across - 1) * component.h + x >= grid.width) {
          units.padding_right |= uint64_t{1} << n;
        }
        if ((units.down - 1) * component.v + y >= grid.height) {
          units.padding_bottom |= uint64_t{1} << n;
        }
      }
    }
  }
  return units;
}

JpegToken TablesOf(const JpegHeader& header, int component) {
  return PlaneOf(header, component) == JpegPlane::kChroma ? kChromaTables : 0;
}

}  // namespace imgbatch
