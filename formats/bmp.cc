#include "formats/bmp.h"

#include <algorithm>
#include <array>
#include <bit>

#include "formats/bytes.h"
#include "formats/checks.h"

namespace imgbatch {
namespace {

constexpr size_t kFileHeader = 14;
constexpr uint32_t kRle8 = 1;
constexpr uint32_t kRle4 = 2;
constexpr uint32_t kBitFields = 3;
constexpr uint32_t kAlphaBitFields = 6;

struct Header {
  uint32_t size = 0;  // Of the information header.
  uint32_t width = 0;
  uint32_t height = 0;
  bool top_down = false;
  int bits = 24;
  uint32_t compression = 0;
  std::array<uint32_t, 4> masks{};  // Red, green, blue, alpha.
  size_t palette = 0;               // Offset.
  size_t palette_entry = 4;         // Bytes.
  size_t colours = 0;               // Entries that are there.
  size_t pixels = 0;                // Offset.
  bool rle() const { return compression == kRle8 || compression == kRle4; }
  size_t stride() const { return (uint64_t{width} * bits + 31) / 32 * 4; }
};

Failure Damaged() { return Corrupt("the header of the BMP is damaged"); }

// Where the colours of 16 and 32 bits are.
bool ReadMasks(Bytes source, Header& header) {
  const bool given =
      header.compression == kBitFields || header.compression == kAlphaBitFields;
  if (!given) {
    header.masks = {0xFF0000, 0xFF00, 0xFF, 0};
    if (header.bits == 16) header.masks = {0x7C00, 0x3E0, 0x1F, 0};
    return true;
  }
  const bool has_alpha =
      header.size >= 56 || header.compression == kAlphaBitFields;
  const size_t at = kFileHeader + 40;  // In the header, or right after it.
  if (source.size() < at + 16) return false;
  for (size_t i = 0; i < (has_alpha ? 4u : 3u); ++i) {
    header.masks[i] = Le32(&source[at + 4 * i]);
    const uint32_t mask = header.masks[i];
    const int shift = std::countr_zero(mask);
    if (mask == 0) continue;
    if (((mask >> shift) & ((mask >> shift) + 1)) != 0) return false;  // Holes.
  }
  return true;
}

Result<Header, Failure> ReadHeader(Bytes source, const CodecLimits& limits) {
  if (source.size() < kFileHeader + 12) return Corrupt("the BMP is cut off");
  Header header;
  header.pixels = Le32(&source[10]);
  header.size = Le32(&source[14]);
  if (source.size() < kFileHeader + uint64_t{header.size}) {
    return Corrupt("the BMP is cut off");
  }
  size_t after = kFileHeader + header.size;
  size_t colours = 0;
  if (header.size == 12) {  // OS/2 1.x
    header.width = Le16(&source[18]);
    header.height = Le16(&source[20]);
    header.bits = Le16(&source[24]);
    header.palette_entry = 3;
  } else if (header.size >= 40) {
    const auto height = static_cast<int32_t>(Le32(&source[22]));
    header.width = Le32(&source[18]);
    header.top_down = height < 0;
    header.height = header.top_down ? 0 - static_cast<uint32_t>(height)
                                    : static_cast<uint32_t>(height);
    header.bits = Le16(&source[28]);
    header.compression = Le32(&source[30]);
    colours = Le32(&source[46]);
    if (header.size == 40 && header.compression == kBitFields) after += 12;
    if (header.size == 40 && header.compression == kAlphaBitFields) after += 16;
  } else {
    return Damaged();
  }
  const auto size = CheckSize(header.width, header.height, limits);
  if (!size) return size.error();
  if (header.compression == 4 || header.compression == 5) {
    return Unsupported("a BMP with a JPEG or PNG inside");
  }
  const int bits = header.bits;
  const bool indexed = bits == 1 || bits == 2 || bits == 4 || bits == 8;
  const bool fields =
      header.compression == kBitFields || header.compression == kAlphaBitFields;
  if (!indexed && bits != 16 && bits != 24 && bits != 32) return Damaged();
  if (header.compression > 3 && !fields) return Damaged();
  if (fields && bits != 16 && bits != 32) return Damaged();
  if (header.compression == kRle8 && bits != 8) return Damaged();
  if (header.compression == kRle4 && bits != 4) return Damaged();
  if (header.rle() && header.top_down) return Damaged();
  if (header.pixels < after || header.pixels > source.size()) return Damaged();
  if (!ReadMasks(source, header)) return Damaged();
  if (indexed) {
    const size_t most = size_t{1} << bits;
    const size_t room = (header.pixels - after) / header.palette_entry;
    header.palette = after;
    header.colours =
        std::min(room, colours == 0 || colours > most ? most : colours);
    if (header.colours == 0) return Damaged();
  }
  const uint64_t needed = uint64_t{header.stride()} * (header.height - 1) +
                          (uint64_t{header.width} * bits + 7) / 8;
  if (!header.rle() && source.size() - header.pixels < needed) {
    return Corrupt("the BMP is cut off");
  }
  return header;
}

// A colour field of any width as 8 bits.
uint8_t Field(uint32_t value, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const uint64_t maximum = mask >> shift;
  return static_cast<uint8_t>(
      ((uint64_t{value & mask} >> shift) * 255 + maximum / 2) / maximum);
}

class Decoder {
 public:
  Decoder(Bytes source, const Header& header)
      : source_(source), header_(header) {
    out_.width = header.width;
    out_.height = header.height;
    out_.channels = header.masks[3] != 0 ? 4 : 3;
    out_.data.resize(uint64_t{header.width} * header.height * out_.channels);
  }

  // False when pixels are damaged.
  bool Decode() {
    if (header_.rle()) return DecodeRle();
    for (size_t y = 0; y < header_.height; ++y) {
      const uint8_t* row = &source_[header_.pixels + y * header_.stride()];
      const size_t line = header_.top_down ? y : header_.height - 1 - y;
      if (!DecodeRow(row, line)) return false;
    }
    if (out_.channels == 4) DropUnusedAlpha();
    return true;
  }
  Pixels Take() { return std::move(out_); }

 private:
  uint8_t* At(size_t x, size_t line) {
    return &out_.data[(line * header_.width + x) * out_.channels];
  }

  bool SetIndexed(size_t x, size_t line, size_t index) {
    if (index >= header_.colours) return false;
    const uint8_t* bgr =
        &source_[header_.palette + index * header_.palette_entry];
    uint8_t* to = At(x, line);
    to[0] = bgr[2];
    to[1] = bgr[1];
    to[2] = bgr[0];
    return true;
  }

  bool DecodeRow(const uint8_t* row, size_t line) {
    const int bits = header_.bits;
    for (size_t x = 0; x < header_.width; ++x) {
      if (bits <= 8) {
        const size_t bit = x * bits;
        const unsigned index =
            row[bit / 8] >> (8 - bits - bit % 8) & ((1u << bits) - 1);
        if (!SetIndexed(x, line, index)) return false;
        continue;
      }
      uint8_t* to = At(x, line);
      if (bits == 24) {
        to[0] = row[3 * x + 2];
        to[1] = row[3 * x + 1];
        to[2] = row[3 * x];
        continue;
      }
      const uint32_t value = bits == 16 ? Le16(row + 2 * x) : Le32(row + 4 * x);
      for (int c = 0; c < out_.channels; ++c) {
        to[c] = Field(value, header_.masks[c]);
      }
    }
    return true;
  }

  // Windows SDK, "Bitmap Compression". Pixels that are skipped stay black.
  bool DecodeRle() {
    const int per_byte = header_.bits == 4 ? 2 : 1;
    Bytes rest = source_.subspan(header_.pixels);
    size_t x = 0;
    size_t y = 0;
    const auto put = [&](uint8_t byte, size_t i) {
      if (x >= header_.width || y >= header_.height) return false;
      const unsigned index =
          per_byte == 1 ? byte : (i % 2 == 0 ? byte >> 4 : byte & 15);
      return SetIndexed(x++, header_.height - 1 - y, index);
    };
    while (rest.size() >= 2) {
      const uint8_t count = rest[0];
      const uint8_t value = rest[1];
      rest = rest.subspan(2);
      if (count > 0) {
        for (size_t i = 0; i < count; ++i) {
          if (!put(value, i)) return false;
        }
      } else if (value == 0) {
        x = 0;
        ++y;
      } else if (value == 1) {
        return true;
      } else if (value == 2) {
        if (rest.size() < 2) return false;
        x += rest[0];
        y += rest[1];
        rest = rest.subspan(2);
      } else {
        const size_t bytes = (value + per_byte - 1) / per_byte;
        if (rest.size() < bytes + bytes % 2) return false;
        for (size_t i = 0; i < value; ++i) {
          if (!put(rest[i / per_byte], i)) return false;
        }
        rest = rest.subspan(bytes + bytes % 2);
      }
    }
    return false;  // The end mark is missing.
  }

  // Many writers declare alpha and leave it 0.
  void DropUnusedAlpha() {
    bool zero = true;
    for (size_t i = 3; i < out_.data.size(); i += 4) {
      zero = zero && out_.data[i] == 0;
    }
    if (!zero) return;
    for (size_t i = 3; i < out_.data.size(); i += 4) out_.data[i] = 0xFF;
  }

  Bytes source_;
  const Header& header_;
  Pixels out_;
};

// A profile inside a version 5 header.
std::vector<uint8_t> EmbeddedProfile(Bytes source, const Header& header,
                                     const CodecLimits& limits) {
  constexpr uint32_t kEmbedded = 0x4D424544;  // "MBED"
  if (header.size < 124 || Le32(&source[kFileHeader + 56]) != kEmbedded) {
    return {};
  }
  const uint64_t at = kFileHeader + uint64_t{Le32(&source[kFileHeader + 112])};
  const uint64_t size = Le32(&source[kFileHeader + 116]);
  if (at > source.size() || size > source.size() - at || size < 128 ||
      size > limits.max_metadata) {
    return {};
  }
  const Bytes icc = source.subspan(at, size);
  if (!HasAt(icc, 16, "RGB ")) return {};
  return {icc.begin(), icc.end()};
}

}  // namespace

Result<CodecCost, Failure> BmpCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits) {
  const auto header = ReadHeader(source, limits);
  if (!header) return header.error();
  const uint64_t pixels = uint64_t{header->width} * header->height;
  return CodecCost{ImageFormat::kBmp, header->width, header->height,
                   pixels * (header->masks[3] != 0 ? 4 : 3)};
}

Result<Pixels, Failure> DecodeBmp(std::span<const uint8_t> source,
                                  const CodecLimits& limits) {
  const auto header = ReadHeader(source, limits);
  if (!header) return header.error();
  Decoder decoder(source, *header);
  if (!decoder.Decode()) return Corrupt("the pixels of the BMP are damaged");
  Pixels pixels = decoder.Take();
  pixels.icc = EmbeddedProfile(source, *header, limits);
  return pixels;
}

}  // namespace imgbatch
