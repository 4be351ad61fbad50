// The PNG files of make_images.h, written by libpng.
#include <algorithm>
#include <array>
#include <csetjmp>

#include <png.h>

#include "core/result.h"
#include "formats/bytes.h"
#include "formats/exif.h"
#include "formats/png_file.h"
#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

struct Form {
  int depth;
  int colour;
  bool key = false;
  bool alpha_palette = false;
};

Form FormOf(PngKind kind) {
  switch (kind) {
    case PngKind::kGrey1:
      return {1, PNG_COLOR_TYPE_GRAY};
    case PngKind::kGrey2:
      return {2, PNG_COLOR_TYPE_GRAY};
    case PngKind::kGrey4:
      return {4, PNG_COLOR_TYPE_GRAY};
    case PngKind::kGrey8:
      return {8, PNG_COLOR_TYPE_GRAY};
    case PngKind::kGrey16:
      return {16, PNG_COLOR_TYPE_GRAY};
    case PngKind::kGreyAlpha8:
      return {8, PNG_COLOR_TYPE_GRAY_ALPHA};
    case PngKind::kGreyAlpha16:
      return {16, PNG_COLOR_TYPE_GRAY_ALPHA};
    case PngKind::kRgb8:
      return {8, PNG_COLOR_TYPE_RGB};
    case PngKind::kRgb16:
      return {16, PNG_COLOR_TYPE_RGB};
    case PngKind::kRgba8:
      return {8, PNG_COLOR_TYPE_RGB_ALPHA};
    case PngKind::kRgba16:
      return {16, PNG_COLOR_TYPE_RGB_ALPHA};
    case PngKind::kPalette1:
      return {1, PNG_COLOR_TYPE_PALETTE};
    case PngKind::kPalette2:
      return {2, PNG_COLOR_TYPE_PALETTE};
    case PngKind::kPalette4:
      return {4, PNG_COLOR_TYPE_PALETTE};
    case PngKind::kPalette8:
      return {8, PNG_COLOR_TYPE_PALETTE};
    case PngKind::kPaletteAlpha8:
      return {8, PNG_COLOR_TYPE_PALETTE, false, true};
    case PngKind::kGreyKey8:
      return {8, PNG_COLOR_TYPE_GRAY, true};
    case PngKind::kRgbKey8:
      return {8, PNG_COLOR_TYPE_RGB, true};
  }
  return {8, PNG_COLOR_TYPE_RGB};
}

using Rgba = std::array<uint8_t, 4>;

Rgba At(const Pixels& pixels, size_t i) {
  const uint8_t* p = &pixels.data[i * pixels.channels];
  return {p[0], p[1], p[2], pixels.channels == 4 ? p[3] : uint8_t{255}};
}

uint8_t Grey(const Rgba& c) {
  return static_cast<uint8_t>((2 * c[0] + 5 * c[1] + c[2]) / 8);
}

// Palette index of a colour: its upper bits, 3-3-2 for 256 entries.
unsigned Index(const Rgba& c, int depth) {
  if (depth == 8) return (c[0] & 0xE0u) | (c[1] >> 5 << 2) | c[2] >> 6;
  if (depth == 4) return (c[0] >> 7 << 3) | (c[1] >> 6 << 1) | c[2] >> 7;
  return Grey(c) >> (8 - depth);
}

Rgba Entry(unsigned index, int depth) {
  const auto spread = [](unsigned v, unsigned most) {
    return static_cast<uint8_t>(v * 255 / most);
  };
  if (depth == 8) {
    return {spread(index >> 5, 7), spread(index >> 2 & 7, 7),
            spread(index & 3, 3), spread(index & 31, 31)};
  }
  if (depth == 4) {
    return {spread(index >> 3, 1), spread(index >> 1 & 3, 3),
            spread(index & 1, 1), 255};
  }
  const uint8_t grey = spread(index, (1u << depth) - 1);
  return {grey, grey, 90, 255};
}

void Append(std::vector<uint8_t>& row, uint8_t value, int depth) {
  row.push_back(value);
  // The low byte differs, so that 16 bits are needed.
  if (depth == 16) row.push_back(static_cast<uint8_t>(value * 7 + 3));
}

std::vector<uint8_t> Row(const Pixels& pixels, size_t y, const Form& form) {
  std::vector<uint8_t> row;
  unsigned bits = 0;
  int filled = 0;
  for (size_t x = 0; x < pixels.width; ++x) {
    const Rgba c = At(pixels, y * pixels.width + x);
    const bool grey = (form.colour & PNG_COLOR_MASK_COLOR) == 0;
    const bool mapped = form.colour == PNG_COLOR_TYPE_PALETTE;
    if (mapped || form.depth < 8) {
      const unsigned value =
          mapped ? Index(c, form.depth) : Grey(c) >> (8 - form.depth);
      bits = bits << form.depth | value;
      filled += form.depth;
      if (filled == 8) {
        row.push_back(static_cast<uint8_t>(bits));
        filled = 0;
        bits = 0;
      }
      continue;
    }
    if (grey) {
      Append(row, Grey(c), form.depth);
    } else {
      for (int i = 0; i < 3; ++i) Append(row, c[i], form.depth);
    }
    if ((form.colour & PNG_COLOR_MASK_ALPHA) != 0) {
      Append(row, c[3], form.depth);
    }
  }
  if (filled > 0) row.push_back(static_cast<uint8_t>(bits << (8 - filled)));
  return row;
}

void Write(png_structp png, png_bytep data, size_t size) {
  auto& out = *static_cast<std::vector<uint8_t>*>(png_get_io_ptr(png));
  out.insert(out.end(), data, data + size);
}
void Flush(png_structp) {}

void SetPalette(png_structp png, png_infop info, const Form& form) {
  const int count = 1 << form.depth;
  std::array<png_color, 256> colours{};
  std::array<png_byte, 256> alpha{};
  for (int i = 0; i < count; ++i) {
    const Rgba c = Entry(i, form.depth);
    colours[i] = {c[0], c[1], c[2]};
    alpha[i] = c[3];
  }
  png_set_PLTE(png, info, colours.data(), count);
  if (form.alpha_palette) {
    png_set_tRNS(png, info, alpha.data(), count, nullptr);
  }
}

}  // namespace

std::vector<uint8_t> MakePng(const Pixels& pixels, PngKind kind,
                             const PngOptions& options) {
  const Form form = FormOf(kind);
  std::vector<uint8_t> out;
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  IMGBATCH_ASSERT(png != nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &out, Write, Flush);
  png_set_benign_errors(png, 1);
  png_set_compression_level(png, options.level);
  png_set_IHDR(png, info, pixels.width, pixels.height, form.depth, form.colour,
               options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (form.colour == PNG_COLOR_TYPE_PALETTE) SetPalette(png, info, form);
  if (form.key) {
    const Rgba c = At(pixels, 0);
    png_color_16 key{};
    key.red = c[0];
    key.green = c[1];
    key.blue = c[2];
    key.gray = Grey(c);
    png_set_tRNS(png, info, nullptr, 0, &key);
  }
  if (options.gamma > 0) png_set_gAMA(png, info, options.gamma);
  if (!options.comment.empty()) {
    png_text text{};
    std::string key = "Comment";
    std::string value = options.comment;
    text.compression = PNG_TEXT_COMPRESSION_NONE;
    text.key = key.data();
    text.text = value.data();
    png_set_text(png, info, &text, 1);
  }
  std::vector<uint8_t> exif;
  if (options.orientation > 0) {
    exif = MinimalExif(options.orientation);
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()),
                   exif.data());
  }
  std::vector<std::vector<uint8_t>> rows;
  std::vector<png_bytep> pointers;
  for (size_t y = 0; y < pixels.height; ++y) {
    rows.push_back(Row(pixels, y, form));
  }
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_info(png, info);
  if (!options.icc.empty()) {  // libpng would check the profile.
    std::vector<uint8_t> data{'i', 'c', 'c', 0, 0, 0x78, 1, 1};
    const auto size = static_cast<uint16_t>(options.icc.size());
    data.insert(data.end(), {uint8_t(size), uint8_t(size >> 8), uint8_t(~size),
                             uint8_t(~size >> 8)});
    data.insert(data.end(), options.icc.begin(), options.icc.end());
    uint32_t a = 1;
    uint32_t b = 0;
    for (const uint8_t byte : options.icc) {
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
    AppendBe32(data, b << 16 | a);
    std::vector<uint8_t> chunk;
    AppendPngChunk(chunk, "iCCP", data);
    out.insert(out.begin() + 33, chunk.begin(), chunk.end());
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

std::vector<uint8_t> MakeAnimatedPng(const std::vector<Pixels>& frames) {
  std::vector<uint8_t> out;
  uint32_t sequence = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    const Pixels& frame = frames[i];
    const std::vector<uint8_t> png =
        MakePng(frame, frame.channels == 4 ? PngKind::kRgba8 : PngKind::kRgb8);
    std::vector<uint8_t> control;
    AppendBe32(control, sequence++);
    AppendBe32(control, frame.width);
    AppendBe32(control, frame.height);
    control.resize(20);
    control.insert(control.end(), {0, 1, 0, 10, 0, 0});  // 1/10 s.
    if (i == 0) {
      out.assign(png.begin(), png.begin() + 33);
      std::vector<uint8_t> animation;
      AppendBe32(animation, static_cast<uint32_t>(frames.size()));
      AppendBe32(animation, 0);
      AppendPngChunk(out, "acTL", animation);
    }
    AppendPngChunk(out, "fcTL", control);
    for (size_t at = 33; at < png.size();) {
      const uint32_t size = Be32(&png[at]);
      const Bytes chunk = Bytes(png).subspan(at, size + 12);
      at += chunk.size();
      if (!HasAt(chunk, 4, "IDAT")) continue;
      if (i == 0) {
        imgbatch::Append(out, chunk);
        continue;
      }
      std::vector<uint8_t> data;
      AppendBe32(data, sequence++);
      imgbatch::Append(data, chunk.subspan(8, size));
      AppendPngChunk(out, "fdAT", data);
    }
  }
  AppendPngChunk(out, "IEND", {});
  return out;
}

}  // namespace imgbatch
