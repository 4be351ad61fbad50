// The GIF, BMP, TGA, PNM, PSD and JPEG files of make_images.h.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <jpeglib.h>

#include "core/result.h"
#include "formats/bytes.h"
#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

using File = std::vector<uint8_t>;
using Rgba = std::array<uint8_t, 4>;

Rgba At(const Pixels& pixels, size_t i) {
  const uint8_t* p = &pixels.data[i * pixels.channels];
  if (pixels.channels < 3) {
    return {p[0], p[0], p[0], pixels.channels == 2 ? p[1] : uint8_t{255}};
  }
  return {p[0], p[1], p[2], pixels.channels == 4 ? p[3] : uint8_t{255}};
}

uint8_t Grey(const Rgba& c) {
  return static_cast<uint8_t>((2 * c[0] + 5 * c[1] + c[2]) / 8);
}

unsigned Index332(const Rgba& c) {
  return (c[0] & 0xE0u) | (c[1] >> 5 << 2) | c[2] >> 6;
}
Rgba Entry332(unsigned i) {
  return {uint8_t((i >> 5) * 255 / 7), uint8_t((i >> 2 & 7) * 255 / 7),
          uint8_t((i & 3) * 255 / 3), 255};
}

void Le16To(File& out, unsigned value) {
  out.push_back(static_cast<uint8_t>(value));
  out.push_back(static_cast<uint8_t>(value >> 8));
}
void Be16To(File& out, unsigned value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}
void TextTo(File& out, const std::string& text) {
  out.insert(out.end(), text.begin(), text.end());
}

// GIF's LZW with 8-bit symbols.
class Lzw {
 public:
  File Encode(const File& symbols) {
    Put(kClear);
    Reset();
    unsigned prefix = symbols[0];
    for (size_t i = 1; i < symbols.size(); ++i) {
      const auto found = codes_.find({prefix, symbols[i]});
      if (found != codes_.end()) {
        prefix = found->second;
        continue;
      }
      Put(prefix);
      codes_[{prefix, symbols[i]}] = next_++;
      if (next_ > (1u << width_) && width_ < 12) ++width_;
      if (next_ == 4096) {
        Put(kClear);
        Reset();
      }
      prefix = symbols[i];
    }
    Put(prefix);
    Put(kClear + 1);
    if (filled_ > 0) out_.push_back(static_cast<uint8_t>(bits_));
    return std::move(out_);
  }

 private:
  static constexpr unsigned kClear = 256;
  void Reset() {
    codes_.clear();
    next_ = kClear + 2;
    width_ = 9;
  }
  void Put(unsigned code) {
    bits_ |= uint64_t{code} << filled_;
    filled_ += width_;
    while (filled_ >= 8) {
      out_.push_back(static_cast<uint8_t>(bits_));
      bits_ >>= 8;
      filled_ -= 8;
    }
  }
  std::map<std::pair<unsigned, uint8_t>, unsigned> codes_;
  unsigned next_ = kClear + 2;
  int width_ = 9;
  uint64_t bits_ = 0;
  int filled_ = 0;
  File out_;
};

void SubBlocksTo(File& out, Bytes data) {
  for (size_t at = 0; at < data.size(); at += 255) {
    const size_t size = std::min<size_t>(255, data.size() - at);
    out.push_back(static_cast<uint8_t>(size));
    Append(out, data.subspan(at, size));
  }
  out.push_back(0);
}

}  // namespace

File MakeGif(const std::vector<Pixels>& frames, const std::string& comment) {
  File out;
  TextTo(out, "GIF89a");
  Le16To(out, frames[0].width);
  Le16To(out, frames[0].height);
  out.insert(out.end(), {0xF7, 0, 0});
  for (unsigned i = 0; i < 256; ++i) {
    const Rgba c = Entry332(i);
    out.insert(out.end(), {c[0], c[1], c[2]});
  }
  if (frames.size() > 1) {
    out.insert(out.end(), {0x21, 0xFF, 11});
    TextTo(out, "NETSCAPE2.0");
    out.insert(out.end(), {3, 1, 0, 0, 0});
  }
  if (!comment.empty()) {
    out.insert(out.end(), {0x21, 0xFE});
    SubBlocksTo(out, File(comment.begin(), comment.end()));
  }
  for (const Pixels& frame : frames) {
    out.insert(out.end(), {0x21, 0xF9, 4, 0, 10, 0, 0, 0});
    out.insert(out.end(), {0x2C, 0, 0, 0, 0});
    Le16To(out, frame.width);
    Le16To(out, frame.height);
    out.push_back(0);
    File symbols;
    for (size_t i = 0; i < size_t{frame.width} * frame.height; ++i) {
      symbols.push_back(static_cast<uint8_t>(Index332(At(frame, i))));
    }
    out.push_back(8);
    SubBlocksTo(out, Lzw().Encode(symbols));
  }
  out.push_back(0x3B);
  return out;
}

namespace {

struct BmpForm {
  int bits;
  uint32_t compression = 0;
  unsigned colours = 0;
  bool masks = false;
};

BmpForm FormOf(BmpKind kind) {
  switch (kind) {
    case BmpKind::k1:
      return {1, 0, 2};
    case BmpKind::k4:
      return {4, 0, 16};
    case BmpKind::k8:
      return {8, 0, 256};
    case BmpKind::k16:
      return {16, 3, 0, true};
    case BmpKind::k24:
      return {24};
    case BmpKind::k32:
      return {32};
    case BmpKind::k32Alpha:
      return {32, 3, 0, true};
    case BmpKind::kRle8:
      return {8, 1, 256};
  }
  return {24};
}

unsigned BmpIndex(const Rgba& c, int bits) {
  return bits == 8 ? Index332(c) : Grey(c) >> (8 - bits);
}

File BmpRow(const Pixels& pixels, size_t y, BmpKind kind) {
  const BmpForm form = FormOf(kind);
  File row;
  unsigned bits = 0;
  int filled = 0;
  for (size_t x = 0; x < pixels.width; ++x) {
    const Rgba c = At(pixels, y * pixels.width + x);
    if (form.bits <= 8) {
      bits = bits << form.bits | BmpIndex(c, form.bits);
      filled += form.bits;
      if (filled == 8) {
        row.push_back(static_cast<uint8_t>(bits));
        bits = 0;
        filled = 0;
      }
    } else if (form.bits == 16) {
      Le16To(row, c[0] >> 3 << 11 | c[1] >> 2 << 5 | c[2] >> 3);
    } else {
      row.insert(row.end(), {c[2], c[1], c[0]});
      if (form.bits == 32) row.push_back(form.masks ? c[3] : 0);
    }
  }
  if (filled > 0) row.push_back(static_cast<uint8_t>(bits << (8 - filled)));
  return row;
}

void RleTo(File& out, const File& row) {
  for (size_t x = 0; x < row.size();) {
    size_t run = 1;
    while (x + run < row.size() && run < 255 && row[x + run] == row[x]) ++run;
    out.push_back(static_cast<uint8_t>(run));
    out.push_back(row[x]);
    x += run;
  }
  out.insert(out.end(), {0, 0});
}

}  // namespace

File MakeBmp(const Pixels& pixels, BmpKind kind) {
  const BmpForm form = FormOf(kind);
  File data;
  for (size_t y = pixels.height; y-- > 0;) {
    File row = BmpRow(pixels, y, kind);
    if (kind == BmpKind::kRle8) {
      RleTo(data, row);
      continue;
    }
    row.resize((row.size() + 3) / 4 * 4);
    Append(data, row);
  }
  if (kind == BmpKind::kRle8) data.insert(data.end(), {0, 1});
  const uint32_t header = form.masks ? 108 : 40;
  File out;
  TextTo(out, "BM");
  const uint32_t start = 14 + header + 4 * form.colours;
  AppendLe32(out, static_cast<uint32_t>(start + data.size()));
  AppendLe32(out, 0);
  AppendLe32(out, start);
  AppendLe32(out, header);
  AppendLe32(out, pixels.width);
  AppendLe32(out, pixels.height);
  Le16To(out, 1);
  Le16To(out, form.bits);
  AppendLe32(out, form.compression);
  AppendLe32(out, static_cast<uint32_t>(data.size()));
  for (int i = 0; i < 4; ++i) AppendLe32(out, 0);
  if (form.masks) {
    const bool narrow = form.bits == 16;
    AppendLe32(out, narrow ? 0xF800 : 0xFF0000);
    AppendLe32(out, narrow ? 0x07E0 : 0xFF00);
    AppendLe32(out, narrow ? 0x001F : 0xFF);
    AppendLe32(out, narrow ? 0 : 0xFF000000);
    out.resize(14 + header);
  }
  for (unsigned i = 0; i < form.colours; ++i) {
    const unsigned step = 255 / (form.colours - 1);
    const uint8_t grey = static_cast<uint8_t>(i * step);
    const Rgba c =
        form.colours == 256 ? Entry332(i) : Rgba{grey, grey, grey, 255};
    out.insert(out.end(), {c[2], c[1], c[0], 0});
  }
  Append(out, data);
  return out;
}

namespace {

void TgaPixelTo(File& out, const Rgba& c, TgaKind kind) {
  switch (kind) {
    case TgaKind::kGrey:
      out.push_back(Grey(c));
      return;
    case TgaKind::kPalette:
      out.push_back(static_cast<uint8_t>(Index332(c)));
      return;
    case TgaKind::kRgb:
    case TgaKind::kRgbRle:
      out.insert(out.end(), {c[2], c[1], c[0]});
      return;
    case TgaKind::kRgba:
    case TgaKind::kRgbaRle:
      out.insert(out.end(), {c[2], c[1], c[0], c[3]});
      return;
  }
}

}  // namespace

File MakeTga(const Pixels& pixels, TgaKind kind) {
  const bool palette = kind == TgaKind::kPalette;
  const bool rle = kind == TgaKind::kRgbRle || kind == TgaKind::kRgbaRle;
  const bool alpha = kind == TgaKind::kRgba || kind == TgaKind::kRgbaRle;
  const int bits = palette || kind == TgaKind::kGrey ? 8 : alpha ? 32 : 24;
  const int type = palette ? 1 : kind == TgaKind::kGrey ? 3 : rle ? 10 : 2;
  File out{0, uint8_t(palette), uint8_t(type), 0, 0};
  Le16To(out, palette ? 256 : 0);
  out.push_back(palette ? 24 : 0);
  out.resize(12);
  Le16To(out, pixels.width);
  Le16To(out, pixels.height);
  out.push_back(static_cast<uint8_t>(bits));
  out.push_back(alpha ? 8 : 0);  // From the bottom up.
  for (unsigned i = 0; palette && i < 256; ++i) {
    const Rgba c = Entry332(i);
    out.insert(out.end(), {c[2], c[1], c[0]});
  }
  for (size_t y = pixels.height; y-- > 0;) {
    for (size_t x = 0; x < pixels.width;) {
      const Rgba c = At(pixels, y * pixels.width + x);
      size_t run = 1;
      if (rle) {
        while (x + run < pixels.width && run < 128 &&
               At(pixels, y * pixels.width + x + run) == c) {
          ++run;
        }
        out.push_back(static_cast<uint8_t>(run > 1 ? 127 + run : 0));
      }
      TgaPixelTo(out, c, kind);
      x += run;
    }
  }
  return out;
}

File MakePnm(const Pixels& pixels, char kind, uint32_t maximum) {
  File out;
  TextTo(out, fmt::format("P{}\n# made by a test\n{} {}\n", kind, pixels.width,
                          pixels.height));
  if (kind != '1' && kind != '4') TextTo(out, fmt::format("{}\n", maximum));
  for (size_t y = 0; y < pixels.height; ++y) {
    unsigned bits = 0;
    for (size_t x = 0; x < pixels.width; ++x) {
      const Rgba c = At(pixels, y * pixels.width + x);
      const bool black = Grey(c) < 128;
      const bool last = x + 1 == pixels.width;
      if (kind == '1') TextTo(out, black ? "1" : "0");
      if (kind == '4') {
        bits = bits << 1 | (black ? 1 : 0);
        if (x % 8 == 7) out.push_back(static_cast<uint8_t>(bits));
        if (last && x % 8 != 7) {
          out.push_back(static_cast<uint8_t>(bits << (7 - x % 8)));
        }
      }
      const bool colour = kind == '3' || kind == '6';
      for (int i = 0; i < (colour ? 3 : 1); ++i) {
        const uint32_t value = (colour ? c[i] : Grey(c)) * maximum / 255;
        if (kind == '2' || kind == '3') TextTo(out, fmt::format("{} ", value));
        if (kind < '5') continue;
        if (maximum > 255) out.push_back(static_cast<uint8_t>(value >> 8));
        out.push_back(static_cast<uint8_t>(value));
      }
    }
    if (kind <= '3') out.push_back('\n');
  }
  return out;
}

namespace {

// PackBits: runs of equal bytes, and what is between them.
File PackBits(const File& row) {
  File out;
  for (size_t x = 0; x < row.size();) {
    size_t run = 1;
    while (x + run < row.size() && run < 128 && row[x + run] == row[x]) ++run;
    if (run > 1) {
      out.push_back(static_cast<uint8_t>(257 - run));
    } else {
      out.push_back(0);
    }
    out.push_back(row[x]);
    x += run;
  }
  return out;
}

// A channel over white, as Photoshop stores pictures with transparency.
uint8_t OverWhite(const Rgba& c, int channel) {
  if (channel == 3) return c[3];
  return static_cast<uint8_t>((c[channel] * c[3] + 255 * (255 - c[3])) / 255);
}

}  // namespace

File MakePsd(const Pixels& pixels, const PsdOptions& options) {
  const int channels = pixels.channels == 4 ? 4 : 3;
  File out;
  TextTo(out, "8BPS");
  Be16To(out, 1);
  out.resize(12);
  Be16To(out, channels);
  AppendBe32(out, pixels.height);
  AppendBe32(out, pixels.width);
  Be16To(out, options.depth);
  Be16To(out, options.mode);
  AppendBe32(out, 0);  // Colour modes.
  File resources;
  if (!pixels.icc.empty()) {
    TextTo(resources, "8BIM");
    Be16To(resources, 1039);
    Be16To(resources, 0);
    AppendBe32(resources, static_cast<uint32_t>(pixels.icc.size()));
    Append(resources, pixels.icc);
    if (resources.size() % 2 == 1) resources.push_back(0);
  }
  AppendBe32(out, static_cast<uint32_t>(resources.size()));
  Append(out, resources);
  if (channels == 4) {
    AppendBe32(out, 8);  // Layers: -1, so the alpha is transparency.
    AppendBe32(out, 2);
    Be16To(out, 0xFFFF);
    Be16To(out, 0);
  } else {
    AppendBe32(out, 0);
  }
  Be16To(out, options.rle ? 1 : 0);
  File counts;
  File data;
  for (int channel = 0; channel < channels; ++channel) {
    for (size_t y = 0; y < pixels.height; ++y) {
      File row;
      for (size_t x = 0; x < pixels.width; ++x) {
        const Rgba c = At(pixels, y * pixels.width + x);
        row.push_back(OverWhite(c, channel));
        if (options.depth == 16) row.push_back(row.back());
      }
      if (options.rle) {
        row = PackBits(row);
        Be16To(counts, static_cast<unsigned>(row.size()));
      }
      Append(data, row);
    }
  }
  Append(out, counts);
  Append(out, data);
  return out;
}

File MakeJpeg(const Pixels& pixels, int quality, bool progressive) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);  // Exits on errors; there are none.
  jpeg_create_compress(&jpeg);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &data, &size);
  jpeg.image_width = pixels.width;
  jpeg.image_height = pixels.height;
  jpeg.input_components = pixels.channels;
  jpeg.in_color_space = pixels.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  if (progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  const size_t stride = size_t{pixels.width} * pixels.channels;
  while (jpeg.next_scanline < jpeg.image_height) {
    File row(&pixels.data[jpeg.next_scanline * stride],
             &pixels.data[jpeg.next_scanline * stride] + stride);
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&jpeg, &pointer, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  File out(data, data + size);
  std::free(data);
  return out;
}

}  // namespace imgbatch
