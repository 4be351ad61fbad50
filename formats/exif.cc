#include "formats/exif.h"

#include <cstddef>

namespace imgbatch {
namespace {

constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShort = 3;  // TIFF 6.0, page 15.

struct Reader {
  std::span<const uint8_t> bytes;
  bool little = false;

  // `size` bytes at `at`, which must be inside.
  uint32_t Number(size_t at, size_t size) const {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | bytes[at + (little ? size - 1 - i : i)];
    }
    return value;
  }
};

}  // namespace

int ExifOrientation(std::span<const uint8_t> tiff) {
  if (tiff.size() < 14 || tiff[0] != tiff[1]) return 1;
  if (tiff[0] != 'I' && tiff[0] != 'M') return 1;
  const Reader reader{tiff, tiff[0] == 'I'};
  if (reader.Number(2, 2) != 42) return 1;
  const size_t directory = reader.Number(4, 4);
  if (directory > tiff.size() - 2) return 1;
  const size_t entries = reader.Number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + 12 * i;
    if (at + 12 > tiff.size()) return 1;
    if (reader.Number(at, 2) != kOrientationTag) continue;
    if (reader.Number(at + 2, 2) != kShort) return 1;
    const uint32_t value = reader.Number(at + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

std::vector<uint8_t> MinimalExif(int orientation) {
  return {
      'M',  'M',  0, 42,     0, 0, 0, 8,  // Header; directory at 8.
      0,    1,                            // One entry:
      0x01, 0x12, 0, kShort, 0, 0, 0, 1, 0, static_cast<uint8_t>(orientation),
      0,    0,    0, 0,      0, 0};  // No further directory.
}

}  // namespace imgbatch
