#include "formats/png_file.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <libdeflate.h>

#include "formats/checks.h"
#include "formats/exif.h"

namespace imgbatch {

const uint8_t kPngSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

namespace {

constexpr size_t kChunkFrame = 12;  // Length, type and CRC.

struct Chunk {
  std::string_view type;
  Bytes data;
  Bytes whole;
  bool critical() const { return (type[0] & 0x20) == 0; }
};

// Steps through the chunks; checks lengths and CRCs.
class ChunkReader {
 public:
  explicit ChunkReader(Bytes source) : rest_(source.subspan(8)) {}

  Result<Chunk, Failure> Next() {
    if (rest_.size() < kChunkFrame) return Corrupt("the PNG is cut off");
    const uint32_t length = Be32(rest_.data());
    if (length > rest_.size() - kChunkFrame) {
      return Corrupt("the PNG is cut off");
    }
    Chunk chunk;
    chunk.whole = rest_.first(length + kChunkFrame);
    chunk.type = AsText(chunk.whole.subspan(4, 4));
    chunk.data = chunk.whole.subspan(8, length);
    if (libdeflate_crc32(0, chunk.whole.data() + 4, length + 4) !=
        Be32(chunk.whole.data() + 8 + length)) {
      return Corrupt("a checksum in the PNG is wrong");
    }
    rest_ = rest_.subspan(chunk.whole.size());
    return chunk;
  }

 private:
  Bytes rest_;
};

bool IsOneOf(std::string_view type, std::span<const std::string_view> list) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

constexpr std::array<std::string_view, 4> kCritical{"IHDR", "PLTE", "IDAT",
                                                    "IEND"};
constexpr std::array<std::string_view, 3> kAnimation{"acTL", "fcTL", "fdAT"};
constexpr std::array<std::string_view, 7> kColour{
    "iCCP", "cICP", "sRGB", "gAMA", "cHRM", "mDCV", "cLLI"};

bool IsPixels(std::string_view type) {
  return type == "tRNS" || IsOneOf(type, kCritical) ||
         IsOneOf(type, kAnimation);
}

bool IsValidDepth(int colour, int depth) {
  switch (colour) {
    case 0:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8 ||
             depth == 16;
    case 3:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6:
      return depth == 8 || depth == 16;
    default:
      return false;
  }
}

// The beginning of an ICC profile, of which bytes 16-19 name the colour space
// ("GRAY", "RGB "). Empty when it cannot be read.
std::string_view ProfileSpace(Bytes iccp, std::array<char, 4>& space,
                              const CodecLimits& limits) {
  const auto name_end = std::find(iccp.begin(), iccp.end(), 0);
  if (iccp.end() - name_end < 2) return {};
  const Bytes packed(name_end + 2, iccp.end());
  const std::unique_ptr<libdeflate_decompressor,
                        decltype(&libdeflate_free_decompressor)>
      inflater(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  for (size_t room = 4096; room <= limits.max_metadata; room *= 8) {
    std::vector<uint8_t> profile(room);
    size_t size = 0;
    const libdeflate_result result =
        libdeflate_zlib_decompress(inflater.get(), packed.data(), packed.size(),
                                   profile.data(), profile.size(), &size);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) continue;
    if (result != LIBDEFLATE_SUCCESS || size < 128) return {};
    std::copy_n(profile.begin() + 16, 4, space.begin());
    return {space.data(), space.size()};
  }
  return {};
}

// Takes a colour chunk over, unless it is a second one of its type or a
// profile that cannot belong to this picture.
void TakeColour(const Chunk& chunk, const CodecLimits& limits, PngFile& file) {
  for (const Bytes taken : file.colour) {
    if (AsText(taken.subspan(4, 4)) == chunk.type) return;
  }
  if (chunk.type == "iCCP") {
    std::array<char, 4> buffer{};
    const std::string_view space = ProfileSpace(chunk.data, buffer, limits);
    const bool grey = file.header.colour == PngColour::kGrey ||
                      file.header.colour == PngColour::kGreyAlpha;
    if (space != (grey ? "GRAY" : "RGB ")) return;
    file.profile_is_grey = grey;
  }
  if (chunk.type == "cICP") file.needs_16_bits = true;
  if (chunk.type == "gAMA" && chunk.data.size() == 4) {
    constexpr uint32_t kNearlyLinear = 70000;  // In units of 1/100000.
    file.needs_16_bits = Be32(chunk.data.data()) > kNearlyLinear;
  }
  file.colour.push_back(chunk.whole);
}

// APNG: as many frame headers as announced.
struct FrameCount {
  uint32_t announced = 0;
  uint32_t seen = 0;
};

}  // namespace

int PngHeader::channels() const {
  switch (colour) {
    case PngColour::kGrey:
    case PngColour::kPalette:
      return 1;
    case PngColour::kGreyAlpha:
      return 2;
    case PngColour::kRgb:
      return 3;
    case PngColour::kRgba:
      return 4;
  }
  return 4;
}

Result<PngHeader, Failure> ReadPngHeader(Bytes source,
                                         const CodecLimits& limits) {
  if (source.size() < 8 + kChunkFrame) return Corrupt("the PNG is cut off");
  if (HasAt(source, 12, "CgBI")) {
    return Unsupported("a PNG in Apple's private variant (CgBI)");
  }
  auto chunk = ChunkReader(source).Next();
  if (!chunk) return chunk.error();
  if (chunk->type != "IHDR" || chunk->data.size() != 13) {
    return Corrupt("the PNG has no header");
  }
  const uint8_t* p = chunk->data.data();
  if (!IsValidDepth(p[9], p[8]) || p[10] != 0 || p[11] != 0 || p[12] > 1) {
    return Corrupt("the header of the PNG is damaged");
  }
  const auto size = CheckSize(Be32(p), Be32(p + 4), limits);
  if (!size) return size.error();
  return PngHeader{Be32(p), Be32(p + 4), p[8], static_cast<PngColour>(p[9]),
                   p[12] == 1};
}

Result<PngFile, Failure> ReadPngFile(Bytes source, const CodecLimits& limits) {
  auto header = ReadPngHeader(source, limits);
  if (!header) return header.error();
  PngFile file;
  file.header = *header;
  FrameCount frames;
  const uint8_t* idat_begin = nullptr;
  const uint8_t* idat_end = nullptr;
  ChunkReader reader(source);
  for (bool first = true;; first = false) {
    auto next = reader.Next();
    if (!next) return next.error();
    const Chunk& chunk = *next;
    if (first) continue;  // IHDR is known.
    const bool before_pixels = idat_begin == nullptr;
    if (chunk.type == "IEND") break;
    if (chunk.type == "IDAT") {
      if (before_pixels) idat_begin = idat_end = chunk.whole.data();
      if (chunk.whole.data() != idat_end) {
        return Corrupt("the pixel data of the PNG is not in one piece");
      }
      idat_end += chunk.whole.size();
      file.compressed += chunk.data.size();
    } else if (chunk.type == "PLTE") {
      if (!file.palette.empty() || !before_pixels || chunk.data.empty() ||
          chunk.data.size() % 3 != 0 || chunk.data.size() > 768) {
        return Corrupt("the palette of the PNG is damaged");
      }
      file.palette = chunk.data;
    } else if (chunk.critical()) {
      return chunk.type == "IHDR"
                 ? Corrupt("the PNG has two headers")
                 : Unsupported(
                       fmt::format("a PNG with an unknown part of type {:02x}",
                                   fmt::join(chunk.type, "")));
    } else if (chunk.type == "tRNS" && before_pixels) {
      if (file.transparency.empty()) file.transparency = chunk.data;
    } else if (chunk.type == "acTL" && before_pixels &&
               chunk.data.size() == 8) {
      file.animated = true;
      frames.announced = Be32(chunk.data.data());
    } else if (chunk.type == "fcTL") {
      ++frames.seen;
    } else if (chunk.type == "eXIf") {
      file.orientation = ExifOrientation(chunk.data);
    } else if (IsOneOf(chunk.type, kColour) && before_pixels) {
      if (chunk.whole.size() > limits.max_metadata) {
        return Failure{
            FailureCode::kTooComplex, 0,
            fmt::format("a colour profile of {} bytes", chunk.data.size())};
      }
      TakeColour(chunk, limits, file);
    }
  }
  if (idat_begin == nullptr) return Corrupt("the PNG has no pixel data");
  if (file.header.colour == PngColour::kPalette && file.palette.empty()) {
    return Corrupt("the PNG has no palette");
  }
  if (file.animated && frames.seen != frames.announced) {
    return Corrupt("frames of the animated PNG are missing");
  }
  file.idat = Bytes(idat_begin, idat_end);
  return file;
}

std::vector<uint8_t> CopyPng(Bytes source, const PngFile& file,
                             PngMetadata metadata) {
  std::vector<uint8_t> out(kPngSignature, kPngSignature + 8);
  ChunkReader reader(source);
  while (true) {
    const auto next = reader.Next();
    IMGBATCH_ASSERT(next.has_value());  // ReadPngFile has seen it all.
    const bool colour = std::any_of(
        file.colour.begin(), file.colour.end(),
        [&](Bytes kept) { return kept.data() == next->whole.data(); });
    if (colour || IsPixels(next->type) || metadata == PngMetadata::kKeep) {
      Append(out, next->whole);
    } else if (next->type == "eXIf" && file.orientation != 1) {
      AppendPngChunk(out, "eXIf", MinimalExif(file.orientation));
    }
    if (next->type == "IEND") break;
  }
  return out;
}

std::vector<Bytes> PngMetadataChunks(Bytes source) {
  constexpr std::array<std::string_view, 6> kIndependent{
      "tEXt", "zTXt", "iTXt", "tIME", "pHYs", "eXIf"};
  std::vector<Bytes> chunks;
  ChunkReader reader(source);
  while (true) {
    const auto next = reader.Next();
    IMGBATCH_ASSERT(next.has_value());
    if (next->type == "IEND") return chunks;
    if (IsOneOf(next->type, kIndependent)) chunks.push_back(next->whole);
  }
}

void AppendPngChunk(std::vector<uint8_t>& out, std::string_view type,
                    Bytes data) {
  AppendBe32(out, static_cast<uint32_t>(data.size()));
  const size_t checked = out.size();
  out.insert(out.end(), type.begin(), type.end());
  Append(out, data);
  AppendBe32(out, libdeflate_crc32(0, &out[checked], out.size() - checked));
}

}  // namespace imgbatch
