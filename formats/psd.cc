#include "formats/psd.h"

#include <algorithm>
#include <optional>

#include "formats/bytes.h"
#include "formats/checks.h"

namespace imgbatch {
namespace {

// Field offsets: Adobe Photoshop file formats specification.
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

// One row of one channel, PackBits, into every `step`th byte of `to`; false
// when it has another length than the picture is wide.
bool UnpackRow(Bytes packed, uint32_t width, int step, uint8_t* to) {
  uint32_t done = 0;
  for (size_t i = 0; i < packed.size();) {
    const uint8_t head = packed[i++];
    if (head == 128) continue;  // Padding.
    const bool repeated = head > 128;
    const uint32_t count = repeated ? 257 - head : head + 1;
    if (count > width - done || packed.size() - i < (repeated ? 1 : count)) {
      return false;
    }
    for (uint32_t n = 0; n < count; ++n) {
      to[size_t{done + n} * step] = packed[repeated ? i : i + n];
    }
    done += count;
    i += repeated ? 1 : count;
  }
  return done == width;
}

// Channels follow each other as planes; only the first `channels` are read.
bool UnpackPlanes(const Psd& psd, int channels, uint8_t* to) {
  const bool packed = Be16(psd.data.data()) == 1;
  const size_t depth = psd.depth / 8;
  Bytes rest = psd.data.subspan(2);
  const uint8_t* lengths = rest.data();
  if (packed) rest = rest.subspan(size_t{psd.height} * psd.channels * 2);
  for (int channel = 0; channel < channels; ++channel) {
    for (uint32_t y = 0; y < psd.height; ++y) {
      uint8_t* row = to + size_t{y} * psd.width * channels + channel;
      const size_t size = packed ? Be16(lengths) : psd.width * depth;
      const Bytes bytes = rest.first(size);
      rest = rest.subspan(size);
      lengths += packed ? 2 : 0;
      if (packed) {
        if (!UnpackRow(bytes, psd.width, channels, row)) return false;
        continue;
      }
      for (uint32_t x = 0; x < psd.width; ++x) {  // The high byte of 16 bits.
        row[size_t{x} * channels] = bytes[x * depth];
      }
    }
  }
  return true;
}

// The composite picture is flattened onto white; this takes the white out.
void TakeOutWhite(Pixels& pixels) {
  for (size_t i = 0; i < pixels.data.size(); i += 4) {
    uint8_t* pixel = &pixels.data[i];
    const int alpha = pixel[3];
    if (alpha == 0 || alpha == 255) continue;
    for (int c = 0; c < 3; ++c) {
      const int colour = 255 - ((255 - pixel[c]) * 255 + alpha / 2) / alpha;
      pixel[c] = static_cast<uint8_t>(std::max(colour, 0));
    }
  }
}

}  // namespace

Result<CodecCost, Failure> PsdCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits) {
  const auto psd = ReadPsdHeader(source, limits);
  if (!psd) return psd.error();
  return CodecCost{
      ImageFormat::kPsd, psd->width, psd->height,
      uint64_t{psd->width} * psd->height * (psd->channels > 3 ? 4 : 3)};
}

Result<Pixels, Failure> DecodePsd(std::span<const uint8_t> source,
                                  const CodecLimits& limits) {
  const auto psd = ReadPsd(source, limits);
  if (!psd) return psd.error();
  Pixels pixels;
  pixels.width = psd->width;
  pixels.height = psd->height;
  pixels.channels = psd->channels > 3 ? 4 : 3;
  pixels.data.resize(size_t{psd->width} * psd->height * pixels.channels);
  if (!UnpackPlanes(*psd, pixels.channels, pixels.data.data())) {
    return Corrupt("a row of the PSD is damaged");
  }
  if (pixels.channels == 4) TakeOutWhite(pixels);
  constexpr uint16_t kProfile = 1039;
  const Bytes icc = Resource(psd->resources, kProfile);
  if (icc.size() >= 128 && icc.size() <= limits.max_metadata &&
      HasAt(icc, 16, "RGB ")) {
    pixels.icc.assign(icc.begin(), icc.end());
  }
  return pixels;
}

}  // namespace imgbatch
