#include "formats/webp_file.h"

#include <webp/decode.h>

#include "formats/checks.h"
#include "formats/exif.h"

namespace imgbatch {
namespace {

constexpr size_t kRiffHeader = 12;
constexpr size_t kChunkHeader = 8;

// Flags of VP8X (RFC 9649, section 2.7).
constexpr uint8_t kHasIcc = 0x20;
constexpr uint8_t kHasAlpha = 0x10;
constexpr uint8_t kHasExif = 0x08;
constexpr uint8_t kHasXmp = 0x04;

struct Chunk {
  std::string_view type;
  Bytes data;
  Bytes whole;  // With header and padding.
};

// False when the chunk at the beginning of `rest` is cut off.
bool TakeChunk(Bytes& rest, Chunk& chunk) {
  if (rest.size() < kChunkHeader) return false;
  const uint64_t size = Le32(&rest[4]);
  if (size > rest.size() - kChunkHeader) return false;
  // A missing padding byte at the very end is forgiven.
  const size_t padded =
      std::min<uint64_t>(kChunkHeader + size + size % 2, rest.size());
  chunk.type = AsText(rest.first(4));
  chunk.data = rest.subspan(kChunkHeader, size);
  chunk.whole = rest.first(padded);
  rest = rest.subspan(padded);
  return true;
}

// EXIF data; some writers put the JPEG marker's prefix before it.
Bytes WithoutPrefix(Bytes exif) {
  return HasAt(exif, 0, std::string_view("Exif\0\0", 6)) ? exif.subspan(6)
                                                         : exif;
}

void AppendChunk(std::vector<uint8_t>& out, std::string_view type, Bytes data) {
  out.insert(out.end(), type.begin(), type.end());
  AppendLe32(out, static_cast<uint32_t>(data.size()));
  Append(out, data);
  if (data.size() % 2 == 1) out.push_back(0);
}

std::vector<uint8_t> BeginRiff() {
  return {'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'E', 'B', 'P'};
}

void EndRiff(std::vector<uint8_t>& out) {
  std::vector<uint8_t> size;
  AppendLe32(size, static_cast<uint32_t>(out.size() - 8));
  std::copy(size.begin(), size.end(), out.begin() + 4);
}

bool IsPicture(std::string_view type) {
  return type == "VP8 " || type == "VP8L" || type == "ALPH";
}

// What is kept beside the pictures.
struct Extras {
  Bytes icc;
  std::vector<uint8_t> exif;
  Bytes xmp;
  uint8_t flags() const {
    return static_cast<uint8_t>((icc.empty() ? 0 : kHasIcc) |
                                (exif.empty() ? 0 : kHasExif) |
                                (xmp.empty() ? 0 : kHasXmp));
  }
};

Extras ExtrasOf(const WebpFile& file, WebpMetadata metadata) {
  Extras extras;
  extras.icc = file.icc;
  if (metadata == WebpMetadata::kKeep) {
    extras.exif.assign(file.exif.begin(), file.exif.end());
    extras.xmp = file.xmp;
  } else if (file.orientation != 1) {
    extras.exif = MinimalExif(file.orientation);
  }
  return extras;
}

void AppendTail(std::vector<uint8_t>& out, const Extras& extras) {
  if (!extras.exif.empty()) AppendChunk(out, "EXIF", extras.exif);
  if (!extras.xmp.empty()) AppendChunk(out, "XMP ", extras.xmp);
}

}  // namespace

Result<WebpFile, Failure> ReadWebpFile(Bytes source) {
  const Failure cut_off = Corrupt("the WebP is cut off");
  if (source.size() < kRiffHeader + kChunkHeader) return cut_off;
  const uint64_t end = uint64_t{Le32(&source[4])} + 8;
  if (end > source.size() || end < kRiffHeader + kChunkHeader) return cut_off;
  WebpFile file;
  file.whole = source.first(end);
  bool has_picture = false;
  Bytes rest = file.whole.subspan(kRiffHeader);
  while (!rest.empty()) {
    Chunk chunk;
    if (!TakeChunk(rest, chunk)) return cut_off;
    if (chunk.type == "VP8X") file.vp8x = chunk.data;
    if (chunk.type == "ICCP") file.icc = chunk.data;
    if (chunk.type == "EXIF") file.exif = chunk.data;
    if (chunk.type == "XMP ") file.xmp = chunk.data;
    if (chunk.type == "ANMF") ++file.frames;
    has_picture = has_picture || chunk.type == "VP8 " || chunk.type == "VP8L";
  }
  if (!file.vp8x.empty() && file.vp8x.size() != 10) {
    return Corrupt("the header of the WebP is damaged");
  }
  if (!has_picture && file.frames == 0) {
    return Corrupt("the WebP has no picture");
  }
  file.orientation = ExifOrientation(WithoutPrefix(file.exif));
  return file;
}

std::vector<uint8_t> CopyWebp(const WebpFile& file, WebpMetadata metadata) {
  if (metadata == WebpMetadata::kKeep || file.vp8x.empty()) {
    return {file.whole.begin(), file.whole.end()};
  }
  const Extras extras = ExtrasOf(file, metadata);
  std::vector<uint8_t> out = BeginRiff();
  Bytes rest = file.whole.subspan(kRiffHeader);
  Chunk chunk;
  while (TakeChunk(rest, chunk)) {
    if (chunk.type == "VP8X") {
      std::vector<uint8_t> data(chunk.data.begin(), chunk.data.end());
      constexpr uint8_t kOurs = kHasIcc | kHasExif | kHasXmp;
      data[0] = static_cast<uint8_t>((data[0] & ~kOurs) | extras.flags());
      AppendChunk(out, "VP8X", data);
    } else if (IsPicture(chunk.type) || chunk.type == "ICCP" ||
               chunk.type == "ANIM" || chunk.type == "ANMF") {
      Append(out, chunk.whole);
    }
  }
  AppendTail(out, extras);
  EndRiff(out);
  return out;
}

std::vector<uint8_t> DressWebp(std::vector<uint8_t> encoded,
                               const WebpFile& file, WebpMetadata metadata) {
  const Extras extras = ExtrasOf(file, metadata);
  WebPBitstreamFeatures features;
  if (extras.flags() == 0 || WebPGetFeatures(encoded.data(), encoded.size(),
                                             &features) != VP8_STATUS_OK) {
    return encoded;
  }
  const uint32_t width = static_cast<uint32_t>(features.width) - 1;
  const uint32_t height = static_cast<uint32_t>(features.height) - 1;
  const auto byte = [](uint32_t v, int shift) {
    return static_cast<uint8_t>(v >> shift);
  };
  const uint8_t flags = static_cast<uint8_t>(
      extras.flags() | (features.has_alpha != 0 ? kHasAlpha : 0));
  std::vector<uint8_t> out = BeginRiff();
  AppendChunk(
      out, "VP8X",
      std::vector<uint8_t>{flags, 0, 0, 0, byte(width, 0), byte(width, 8),
                           byte(width, 16), byte(height, 0), byte(height, 8),
                           byte(height, 16)});
  if (!extras.icc.empty()) AppendChunk(out, "ICCP", extras.icc);
  Bytes rest = Bytes(encoded).subspan(kRiffHeader);
  Chunk chunk;
  while (TakeChunk(rest, chunk)) {
    if (IsPicture(chunk.type)) AppendChunk(out, chunk.type, chunk.data);
  }
  AppendTail(out, extras);
  EndRiff(out);
  return out;
}

}  // namespace imgbatch
