// The inside of a PNG file: from compressed rows to pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/png_file.h"

namespace imgbatch {

// Rows without interlacing, filter bytes or padding, as `header` says.
struct PngImage {
  PngHeader header;
  std::vector<uint8_t> rows;          // height * header.row_bytes() bytes.
  std::vector<uint8_t> palette;       // RGB triples, for kPalette.
  std::vector<uint8_t> transparency;  // What tRNS says; empty: opaque.
};

enum class PngForm : uint8_t {
  kRgba8,   // 8-bit RGBA, whatever the file has.
  kNative,  // Depth and colour type of the file.
};

// Fails with kCorruptImage. `file` was read with limits, so its size is known
// to be bearable.
Result<PngImage, Failure> DecodePng(const PngFile& file, PngForm form);

}  // namespace imgbatch
