#include "formats/stb_decode.h"

#include <algorithm>
#include <memory>

// Only this decoder is compiled in, and it stays in this file.
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_TGA
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS 65535
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include "formats/bytes.h"
#include "formats/checks.h"

namespace imgbatch {
namespace {

using StbPixels = std::unique_ptr<stbi_uc, decltype(&stbi_image_free)>;

// `channels`: what the checks found; the decoder must agree.
Result<Pixels, Failure> Decode(Bytes source, const CodecCost& cost,
                               int channels) {
  int width = 0;
  int height = 0;
  int found = 0;
  const StbPixels data(
      stbi_load_from_memory(source.data(), static_cast<int>(source.size()),
                            &width, &height, &found, channels),
      stbi_image_free);
  if (data == nullptr || static_cast<uint32_t>(width) != cost.width ||
      static_cast<uint32_t>(height) != cost.height) {
    return Corrupt("the picture is damaged");
  }
  Pixels pixels;
  pixels.width = cost.width;
  pixels.height = cost.height;
  pixels.channels = channels;
  const size_t size = size_t{cost.width} * cost.height * channels;
  pixels.data.assign(data.get(), data.get() + size);
  return pixels;
}

// --- TGA (Truevision TGA file format specification, version 2.0). ---

struct Tga {
  uint32_t width;
  uint32_t height;
  bool mapped;
  bool rle;
  int bits;         // Of a stored pixel.
  int colour_bits;  // Of a colour: of the map's entries, or of the pixels.
  bool grey;
  bool has_alpha;  // Declared.
  size_t pixels;   // Offset.
};

Result<Tga, Failure> ReadTga(Bytes b, const CodecLimits& limits) {
  if (b.size() < 18) return Corrupt("the TGA is cut off");
  Tga tga{};
  tga.mapped = b[1] == 1;
  tga.rle = b[2] >= 8;
  tga.grey = (b[2] & 7) == 3;
  tga.width = Le16(&b[12]);
  tga.height = Le16(&b[14]);
  tga.bits = b[16];
  tga.colour_bits = tga.mapped ? b[7] : tga.bits;
  tga.has_alpha = (b[17] & 15) != 0;
  const auto size = CheckSize(tga.width, tga.height, limits);
  if (!size) return size.error();
  if ((b[17] & 0x10) != 0) return Unsupported("a TGA from right to left");
  if (tga.mapped && Le16(&b[3]) != 0) {
    return Unsupported("a TGA with a part of a palette");
  }
  if (tga.colour_bits < 24 && tga.has_alpha && !tga.grey) {
    return Unsupported("a TGA with 1-bit alpha");
  }
  const size_t map =
      tga.mapped ? size_t{Le16(&b[5])} * ((tga.colour_bits + 7) / 8) : 0;
  tga.pixels = 18 + size_t{b[0]} + map;
  if (tga.pixels > b.size()) return Corrupt("the TGA is cut off");
  return tga;
}

// True when the packets have all pixels, and indices are in the palette.
bool HasAllPixels(Bytes b, const Tga& tga) {
  const uint64_t pixels = uint64_t{tga.width} * tga.height;
  const size_t each = (tga.bits + 7) / 8;
  const size_t colours = Le16(&b[5]);
  Bytes rest = b.subspan(tga.pixels);
  const auto fits = [&](size_t count) {
    if (rest.size() / each < count) return false;
    if (tga.mapped && std::any_of(rest.begin(), rest.begin() + count,
                                  [&](uint8_t i) { return i >= colours; })) {
      return false;
    }
    rest = rest.subspan(count * each);
    return true;
  };
  if (!tga.rle) return fits(pixels);
  for (uint64_t done = 0; done < pixels;) {
    if (rest.empty()) return false;
    const size_t count = (rest[0] & 127) + 1;
    const bool repeated = rest[0] >= 128;
    rest = rest.subspan(1);
    if (!fits(repeated ? 1 : count)) return false;
    done += count;
  }
  return true;
}

int TgaChannels(const Tga& tga) {
  if (tga.grey) return tga.bits == 16 ? 2 : 1;
  return tga.colour_bits == 32 ? 4 : 3;
}

// Alpha that the header does not declare, or that is nowhere set, is none.
void DropUnusedAlpha(Pixels& pixels, bool declared) {
  const size_t step = pixels.channels;
  bool used = false;
  for (size_t i = step - 1; i < pixels.data.size(); i += step) {
    used = used || pixels.data[i] != 0;
  }
  if (declared && used) return;
  for (size_t i = step - 1; i < pixels.data.size(); i += step) {
    pixels.data[i] = 0xFF;
  }
}

}  // namespace

Result<CodecCost, Failure> TgaCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits) {
  const auto tga = ReadTga(source, limits);
  if (!tga) return tga.error();
  const uint64_t pixels = uint64_t{tga->width} * tga->height;
  return CodecCost{ImageFormat::kTga, tga->width, tga->height,
                   2 * pixels * TgaChannels(*tga)};
}

Result<Pixels, Failure> DecodeTga(std::span<const uint8_t> source,
                                  const CodecLimits& limits) {
  const auto tga = ReadTga(source, limits);
  if (!tga) return tga.error();
  if (!HasAllPixels(source, *tga)) {
    return Corrupt("pixels of the TGA are missing");
  }
  const auto cost = TgaCost(source, limits);
  auto pixels = Decode(source, *cost, TgaChannels(*tga));
  if (pixels && pixels->channels % 2 == 0) {
    DropUnusedAlpha(*pixels, tga->has_alpha);
  }
  return pixels;
}

}  // namespace imgbatch
