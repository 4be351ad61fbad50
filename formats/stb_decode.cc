#include "formats/stb_decode.h"

#include <algorithm>
#include <memory>
#include <optional>

// Only these two decoders are compiled in, and they stay in this file.
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_TGA
#define STBI_ONLY_PSD
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

// --- PSD (Adobe Photoshop file formats specification). ---

struct Psd {
  uint32_t width;
  uint32_t height;
  int channels;
  int depth;
  Bytes resources;
  Bytes layers;
  Bytes data;  // From the compression word on.
};

std::optional<Bytes> TakeSection(Bytes& rest) {
  if (rest.size() < 4) return std::nullopt;
  const uint32_t size = Be32(rest.data());
  if (size > rest.size() - 4) return std::nullopt;
  const Bytes section = rest.subspan(4, size);
  rest = rest.subspan(4 + size);
  return section;
}

Result<Psd, Failure> ReadPsdHeader(Bytes b, const CodecLimits& limits) {
  if (b.size() < 26) return Corrupt("the PSD is cut off");
  if (Be16(&b[4]) == 2) return Unsupported("a PSB picture");
  Psd psd{};
  psd.channels = Be16(&b[12]);
  psd.height = Be32(&b[14]);
  psd.width = Be32(&b[18]);
  psd.depth = Be16(&b[22]);
  if (Be16(&b[4]) != 1) return Corrupt("the header of the PSD is damaged");
  const auto size = CheckSize(psd.width, psd.height, limits);
  if (!size) return size.error();
  if (psd.depth != 8 && psd.depth != 16) {
    return Unsupported("a PSD with neither 8 nor 16 bits");
  }
  if (Be16(&b[24]) != 3 || psd.channels < 3 || psd.channels > 16) {
    return Unsupported("a PSD that is not RGB");
  }
  return psd;
}

// The data of an image resource; empty when it is not there.
Bytes Resource(Bytes rest, uint16_t id) {
  while (rest.size() >= 12 && HasAt(rest, 0, "8BIM")) {
    const size_t name = size_t{rest[6]} + 1;
    const size_t at = 6 + name + name % 2;
    if (rest.size() < at + 4) return {};
    const uint64_t size = Be32(&rest[at]);
    if (size > rest.size() - at - 4) return {};
    if (Be16(&rest[4]) == id) return rest.subspan(at + 4, size);
    rest =
        rest.subspan(std::min<uint64_t>(at + 4 + size + size % 2, rest.size()));
  }
  return {};
}

// The fourth channel is transparency when the number of layers is negative.
bool FirstAlphaIsTransparency(Bytes layers) {
  return layers.size() >= 6 && (layers[4] & 0x80) != 0;
}

bool HasAllPixels(const Psd& psd) {
  const uint16_t compression = Be16(psd.data.data());
  const Bytes data = psd.data.subspan(2);
  const uint64_t rows = uint64_t{psd.height} * psd.channels;
  if (compression == 0) {
    return data.size() >= rows * psd.width * (psd.depth / 8);
  }
  if (data.size() < rows * 2) return false;
  uint64_t packed = rows * 2;
  for (uint64_t i = 0; i < rows; ++i) packed += Be16(&data[2 * i]);
  return data.size() >= packed;
}

Result<Psd, Failure> ReadPsd(Bytes b, const CodecLimits& limits) {
  auto psd = ReadPsdHeader(b, limits);
  if (!psd) return psd;
  Bytes rest = b.subspan(26);
  const auto modes = TakeSection(rest);
  const auto resources = modes ? TakeSection(rest) : std::nullopt;
  const auto layers = resources ? TakeSection(rest) : std::nullopt;
  if (!layers || rest.size() < 2) return Corrupt("the PSD is cut off");
  psd->resources = *resources;
  psd->layers = *layers;
  psd->data = rest;
  const uint16_t compression = Be16(rest.data());
  if (compression > 1 || (compression == 1 && psd->depth == 16)) {
    return Unsupported("a PSD with this compression");
  }
  if (!HasAllPixels(*psd)) return Corrupt("the PSD is cut off");
  constexpr uint16_t kVersionInfo = 1057;
  const Bytes version = Resource(psd->resources, kVersionInfo);
  if (version.size() > 4 && version[4] == 0) {
    return Unsupported("a PSD that was saved without its composite picture");
  }
  if (psd->channels > 3 && !FirstAlphaIsTransparency(psd->layers)) {
    return Unsupported("a PSD with more channels than its colours");
  }
  return psd;
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

Result<CodecCost, Failure> PsdCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits) {
  const auto psd = ReadPsdHeader(source, limits);
  if (!psd) return psd.error();
  return CodecCost{ImageFormat::kPsd, psd->width, psd->height,
                   uint64_t{psd->width} * psd->height * 8};
}

Result<Pixels, Failure> DecodePsd(std::span<const uint8_t> source,
                                  const CodecLimits& limits) {
  const auto psd = ReadPsd(source, limits);
  if (!psd) return psd.error();
  const auto cost = PsdCost(source, limits);
  auto pixels = Decode(source, *cost, psd->channels > 3 ? 4 : 3);
  if (!pixels) return pixels;
  constexpr uint16_t kProfile = 1039;
  const Bytes icc = Resource(psd->resources, kProfile);
  if (icc.size() >= 128 && icc.size() <= limits.max_metadata &&
      HasAt(icc, 16, "RGB ")) {
    pixels->icc.assign(icc.begin(), icc.end());
  }
  return pixels;
}

}  // namespace imgbatch
