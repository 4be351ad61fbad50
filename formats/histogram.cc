#include "formats/histogram.h"

#include <algorithm>
#include <cstring>

#include "formats/bytes.h"

namespace imgbatch {
namespace {

constexpr size_t kMaxCells = 65'536;
constexpr size_t kSlots = 4 * kMaxCells;  // Open addressing, at most 1/4 full.

struct Sums {
  double weight = 0;
  std::array<double, 4> sum{};
  double squares = 0;
};

// False when there are more than kMaxCells cells of `bits` a channel.
bool Collect(const std::vector<uint8_t>& rgba, uint32_t width, int bits,
             std::vector<Sums>& sums) {
  const size_t stride = size_t{width} * 4;
  const uint32_t part = 0xFFu << (8 - bits) & 0xFF;
  const uint32_t mask = part * 0x01010101u;
  std::vector<uint32_t> slots(kSlots);  // Number of the cell + 1.
  std::vector<uint32_t> keys;
  sums.clear();
  uint32_t last = ~Le32(rgba.data());
  size_t cell = 0;
  Point point{};
  double squares = 0;
  for (size_t i = 0; i < rgba.size(); i += 4) {
    const uint32_t colour = Le32(&rgba[i]);
    if (colour != last) {
      last = colour;
      const uint32_t key = colour & mask;
      size_t at = (key * 0x9E3779B1u) >> 14;
      while (slots[at] != 0 && keys[slots[at] - 1] != key) {
        at = (at + 1) % kSlots;
      }
      if (slots[at] == 0) {
        if (keys.size() == kMaxCells) return false;
        keys.push_back(key);
        sums.emplace_back();
        slots[at] = static_cast<uint32_t>(keys.size());
      }
      cell = slots[at] - 1;
      point = ToPoint(&rgba[i]);
      squares = SquaredDistance(point, Point{});
    }
    const bool flat = i >= stride + 4 && Le32(&rgba[i - 4]) == colour &&
                      Le32(&rgba[i - stride]) == colour;
    const double weight = flat ? kFlatWeight : 1;
    Sums& s = sums[cell];
    s.weight += weight;
    for (int c = 0; c < 4; ++c) s.sum[c] += weight * point[c];
    s.squares += weight * squares;
  }
  return true;
}

}  // namespace

std::vector<ColourCount> CountColours(const std::vector<uint8_t>& rgba,
                                      uint32_t width) {
  std::vector<Sums> sums;
  for (int bits = 6; !Collect(rgba, width, bits, sums); --bits) {
  }
  std::vector<ColourCount> counts;
  counts.reserve(sums.size());
  for (const Sums& s : sums) {
    ColourCount count;
    double square = 0;
    for (int c = 0; c < 4; ++c) {
      const double mean = s.sum[c] / s.weight;
      count.mean[c] = static_cast<float>(mean);
      square += mean * mean;
    }
    count.weight = static_cast<float>(s.weight);
    count.spread =
        static_cast<float>(std::max(0.0, s.squares - square * s.weight));
    count.number = static_cast<uint32_t>(counts.size());
    counts.push_back(count);
  }
  return counts;
}

}  // namespace imgbatch
