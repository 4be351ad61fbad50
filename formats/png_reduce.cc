#include "formats/png_reduce.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace imgbatch {
namespace {

// A pixel as one number, for comparing: red in the low byte.
uint32_t Load(const uint8_t* p) { return Le32(p); }

std::array<uint8_t, 4> Split(uint32_t colour) {
  return {static_cast<uint8_t>(colour), static_cast<uint8_t>(colour >> 8),
          static_cast<uint8_t>(colour >> 16),
          static_cast<uint8_t>(colour >> 24)};
}

// Up to 256 colours and their numbers; open addressing.
class ColourTable {
 public:
  // The number of the colour, or -1 when there would be more than 256.
  int Add(uint32_t colour) {
    size_t at = (colour * 0x9E3779B1u) >> 22;
    while (slots_[at] != 0) {
      if (colours_[slots_[at] - 1] == colour) return slots_[at] - 1;
      at = (at + 1) % slots_.size();
    }
    if (count_ == 256) return -1;
    colours_[count_] = colour;
    slots_[at] = static_cast<uint16_t>(++count_);
    return count_ - 1;
  }
  int count() const { return count_; }
  uint32_t colour(int number) const { return colours_[number]; }

 private:
  std::array<uint16_t, 1024> slots_{};
  std::array<uint32_t, 256> colours_{};
  int count_ = 0;
};

struct Traits {
  bool opaque = true;
  bool grey = true;
};

Traits HideInvisible(std::vector<uint8_t>& rgba) {
  Traits traits;
  unsigned not_opaque = 0;
  unsigned not_grey = 0;
  for (size_t i = 0; i < rgba.size(); i += 4) {
    uint8_t* p = &rgba[i];
    if (p[3] == 0) p[0] = p[1] = p[2] = 0;
    not_opaque |= p[3] ^ 0xFFu;
    not_grey |= (p[0] ^ p[1]) | (p[1] ^ p[2]);
  }
  traits.opaque = not_opaque == 0;
  traits.grey = not_grey == 0;
  return traits;
}

// Transparent colours first, so that tRNS is short; then dark to light, so
// that neighbours in the palette look alike.
std::vector<int> Order(const ColourTable& table) {
  std::vector<int> order(table.count());
  for (int i = 0; i < table.count(); ++i) order[i] = i;
  const auto key = [&](int number) {
    const auto c = Split(table.colour(number));
    const int luma = 2 * c[0] + 5 * c[1] + c[2];
    return std::tuple(c[3], luma, c[0], c[1], c[2]);
  };
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return key(a) < key(b); });
  return order;
}

std::optional<ColourTable> CollectColours(const std::vector<uint8_t>& rgba) {
  ColourTable table;
  uint32_t last = Load(rgba.data());
  table.Add(last);
  for (size_t i = 4; i < rgba.size(); i += 4) {
    const uint32_t colour = Load(&rgba[i]);
    if (colour == last) continue;
    last = colour;
    if (table.Add(colour) < 0) return std::nullopt;
  }
  return table;
}

void MakePalette(PngImage& image, ColourTable& table) {
  const std::vector<int> order = Order(table);
  std::array<uint8_t, 256> place{};
  image.palette.clear();
  image.transparency.clear();
  for (size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<uint8_t>(i);
    const auto c = Split(table.colour(order[i]));
    image.palette.insert(image.palette.end(), {c[0], c[1], c[2]});
    if (c[3] != 0xFF) image.transparency.push_back(c[3]);
  }
  const size_t pixels = image.rows.size() / 4;
  uint32_t last = Load(image.rows.data());
  uint8_t number = place[table.Add(last)];
  for (size_t i = 0; i < pixels; ++i) {
    const uint32_t colour = Load(&image.rows[4 * i]);
    if (colour != last) {
      last = colour;
      number = place[table.Add(colour)];
    }
    image.rows[i] = number;
  }
  image.rows.resize(pixels);
  image.header.colour = PngColour::kPalette;
  image.header.bit_depth = BitsFor(table.count());
  PackRows(image);
}

// Bits that hold all these greys exactly: multiples of 255, 85 or 17.
uint8_t GreyBits(const ColourTable& table) {
  for (const auto& [bits, step] : {std::pair{1, 255}, {2, 85}, {4, 17}}) {
    bool fits = true;
    for (int i = 0; i < table.count(); ++i) {
      fits = fits && (table.colour(i) & 0xFF) % step == 0;
    }
    if (fits) return static_cast<uint8_t>(bits);
  }
  return 8;
}

void DropChannels(PngImage& image, const Traits& traits) {
  const bool grey = traits.grey;
  const bool alpha = !traits.opaque;
  const size_t pixels = image.rows.size() / 4;
  uint8_t* to = image.rows.data();
  for (size_t i = 0; i < pixels; ++i) {
    const auto p = Split(Load(&image.rows[4 * i]));
    *to++ = p[0];
    if (!grey) {
      *to++ = p[1];
      *to++ = p[2];
    }
    if (alpha) *to++ = p[3];
  }
  image.rows.resize(to - image.rows.data());
  image.header.colour = grey
                            ? (alpha ? PngColour::kGreyAlpha : PngColour::kGrey)
                            : (alpha ? PngColour::kRgba : PngColour::kRgb);
}

}  // namespace

PngImage ReducePng(PngImage image, const PngFreedom& freedom) {
  Traits traits = HideInvisible(image.rows);
  traits.grey = traits.grey && freedom.grey;
  auto table = CollectColours(image.rows);
  const bool plain_grey = traits.grey && traits.opaque;
  const uint8_t grey_bits = plain_grey && table ? GreyBits(*table) : 8;
  if (table && freedom.palette &&
      !(plain_grey && grey_bits <= BitsFor(table->count()))) {
    MakePalette(image, *table);
    return image;
  }
  DropChannels(image, traits);
  if (grey_bits < 8) {
    for (uint8_t& value : image.rows) value >>= 8 - grey_bits;
    image.header.bit_depth = grey_bits;
    PackRows(image);
  }
  return image;
}

bool HasMoreColours(const PngImage& image, size_t count) {
  ColourTable table;
  uint32_t last = Load(image.rows.data());
  table.Add(last);
  for (size_t i = 4; i < image.rows.size(); i += 4) {
    const uint32_t colour = Load(&image.rows[i]);
    if (colour == last) continue;
    last = colour;
    const int number = table.Add(colour);
    if (number < 0 || static_cast<size_t>(number) >= count) return true;
  }
  return false;
}

uint8_t BitsFor(size_t colours) {
  if (colours <= 2) return 1;
  if (colours <= 4) return 2;
  return colours <= 16 ? 4 : 8;
}

void PackRows(PngImage& image) {
  const int bits = image.header.bit_depth;
  if (bits == 8) return;
  const size_t stride = image.header.row_bytes();
  const size_t width = image.header.width;
  const size_t per_byte = 8 / bits;
  for (size_t y = 0; y < image.header.height; ++y) {
    const uint8_t* from = &image.rows[y * width];
    uint8_t* to = &image.rows[y * stride];  // Never ahead of `from`.
    for (size_t x = 0; x < width; x += per_byte) {
      unsigned byte = 0;
      for (size_t i = 0; i < per_byte; ++i) {
        const unsigned value = x + i < width ? from[x + i] : 0;
        byte = byte << bits | value;
      }
      to[x / per_byte] = static_cast<uint8_t>(byte);
    }
  }
  image.rows.resize(stride * image.header.height);
}

}  // namespace imgbatch
