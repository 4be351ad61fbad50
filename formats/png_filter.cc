#include "formats/png_filter.h"

#include <cstdlib>
#include <cstring>

namespace imgbatch {
namespace {

// One row and what the filters look at. `above` is all 0 for the first row.
struct Row {
  const uint8_t* raw;
  const uint8_t* above;
  size_t size;   // Bytes.
  size_t pixel;  // Bytes from a sample to the same one of the pixel before.
};

int Paeth(int left, int above, int corner) {
  const int to_left = std::abs(above - corner);
  const int to_above = std::abs(left - corner);
  const int to_corner = std::abs(left + above - 2 * corner);
  if (to_left <= to_above && to_left <= to_corner) return left;
  return to_above <= to_corner ? above : corner;
}

void Apply(const Row& row, PngFilter filter, uint8_t* to) {
  const uint8_t* raw = row.raw;
  const uint8_t* above = row.above;
  const size_t head = std::min(row.pixel, row.size);
  switch (filter) {
    case PngFilter::kSub:
      std::memcpy(to, raw, head);
      for (size_t i = head; i < row.size; ++i) {
        to[i] = static_cast<uint8_t>(raw[i] - raw[i - row.pixel]);
      }
      return;
    case PngFilter::kUp:
      for (size_t i = 0; i < row.size; ++i) {
        to[i] = static_cast<uint8_t>(raw[i] - above[i]);
      }
      return;
    case PngFilter::kAverage:
      for (size_t i = 0; i < head; ++i) {
        to[i] = static_cast<uint8_t>(raw[i] - above[i] / 2);
      }
      for (size_t i = head; i < row.size; ++i) {
        to[i] =
            static_cast<uint8_t>(raw[i] - (raw[i - row.pixel] + above[i]) / 2);
      }
      return;
    case PngFilter::kPaeth:
      for (size_t i = 0; i < head; ++i) {
        to[i] = static_cast<uint8_t>(raw[i] - above[i]);
      }
      for (size_t i = head; i < row.size; ++i) {
        to[i] = static_cast<uint8_t>(
            raw[i] - Paeth(raw[i - row.pixel], above[i], above[i - row.pixel]));
      }
      return;
    case PngFilter::kNone:
    case PngFilter::kLeastSum:
      std::memcpy(to, raw, row.size);
      return;
  }
}

// Sum of the bytes taken as signed numbers: small where they will pack well.
uint64_t Weight(const uint8_t* bytes, size_t size) {
  uint64_t sum = 0;
  for (size_t i = 0; i < size; ++i) {
    sum += bytes[i] < 128 ? bytes[i] : 256 - bytes[i];
  }
  return sum;
}

void ApplyLeastSum(const Row& row, uint8_t* to, std::vector<uint8_t>& trial) {
  uint64_t least = UINT64_MAX;
  for (int type = 0; type < 5; ++type) {
    Apply(row, static_cast<PngFilter>(type), trial.data());
    const uint64_t weight = Weight(trial.data(), row.size);
    if (weight >= least) continue;
    least = weight;
    to[0] = static_cast<uint8_t>(type);
    std::memcpy(to + 1, trial.data(), row.size);
  }
}

}  // namespace

std::vector<uint8_t> FilterRows(const PngImage& image, PngFilter filter,
                                size_t first, size_t last) {
  const size_t stride = image.header.row_bytes();
  const size_t pixel = std::max(image.header.bits_per_pixel() / 8, 1u);
  const std::vector<uint8_t> nothing(stride);
  std::vector<uint8_t> trial(filter == PngFilter::kLeastSum ? stride : 0);
  std::vector<uint8_t> out((stride + 1) * (last - first));
  for (size_t y = first; y < last; ++y) {
    const Row row{&image.rows[y * stride],
                  y == 0 ? nothing.data() : &image.rows[(y - 1) * stride],
                  stride, pixel};
    uint8_t* to = &out[(y - first) * (stride + 1)];
    if (filter == PngFilter::kLeastSum) {
      ApplyLeastSum(row, to, trial);
    } else {
      to[0] = static_cast<uint8_t>(filter);
      Apply(row, filter, to + 1);
    }
  }
  return out;
}

}  // namespace imgbatch
