#include "formats/palette_search.h"

#include <algorithm>

namespace imgbatch {

PaletteSearch::PaletteSearch(std::vector<Point> palette)
    : palette_(std::move(palette)) {
  const int count = static_cast<int>(palette_.size());
  neighbours_.reserve(size_t{palette_.size()} * palette_.size());
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < count; ++j) {
      neighbours_.push_back({SquaredDistance(palette_[i], palette_[j]), j});
    }
    std::sort(neighbours_.end() - count, neighbours_.end(),
              [](const Neighbour& a, const Neighbour& b) {
                return a.distance != b.distance ? a.distance < b.distance
                                                : a.index < b.index;
              });
  }
}

PaletteSearch::Found PaletteSearch::Nearest(const Point& point,
                                            int guess) const {
  Found best{guess, SquaredDistance(point, palette_[guess])};
  const float limit = 4 * best.distance;
  const Neighbour* row = &neighbours_[size_t(guess) * palette_.size()];
  for (size_t i = 0; i < palette_.size() && row[i].distance < limit; ++i) {
    const float distance = SquaredDistance(point, palette_[row[i].index]);
    if (distance < best.distance) best = {row[i].index, distance};
  }
  return best;
}

}  // namespace imgbatch
