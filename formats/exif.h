// The one EXIF field that pictures need: which way is up. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace imgbatch {

// Tag 0x0112 of the first directory of a TIFF structure (EXIF without its
// "Exif\0\0"), 1..8; 1 when it is absent or damaged.
int ExifOrientation(std::span<const uint8_t> tiff);

// A TIFF structure with nothing but that tag: 26 bytes.
std::vector<uint8_t> MinimalExif(int orientation);

}  // namespace imgbatch
