// The outside of a PNG file: its chunks, what is kept of them, and how they
// are written (PNG specification, third edition).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/failure.h"
#include "core/result.h"
#include "formats/bytes.h"
#include "formats/limits.h"

namespace imgbatch {

enum class PngColour : uint8_t {
  kGrey = 0,
  kRgb = 2,
  kPalette = 3,
  kGreyAlpha = 4,
  kRgba = 6,
};

struct PngHeader {
  uint32_t width = 0;   // Pixels, not 0.
  uint32_t height = 0;  // Pixels, not 0.
  uint8_t bit_depth = 8;
  PngColour colour = PngColour::kRgba;
  bool interlaced = false;

  int channels() const;
  uint32_t bits_per_pixel() const { return channels() * bit_depth; }
  // Bytes of one row without its filter byte.
  size_t row_bytes() const {
    return (uint64_t{width} * bits_per_pixel() + 7) / 8;
  }
};

// Spans point into the source.
struct PngFile {
  PngHeader header;
  bool animated = false;
  Bytes palette;              // Of PLTE; empty when there is none.
  Bytes transparency;         // Of tRNS; empty when there is none.
  Bytes idat;                 // All IDAT chunks, with their frames.
  size_t compressed = 0;      // Bytes inside them.
  std::vector<Bytes> colour;  // Whole iCCP, cICP, sRGB, gAMA, cHRM … chunks.
  bool profile_is_grey = false;  // The iCCP profile is for grey pictures.
  bool needs_16_bits = false;    // Linear or HDR: 8 bits would show steps.
  int orientation = 1;           // Of eXIf, 1..8.
};

// The signature and IHDR only. Fails with kCorruptImage, kTooManyPixels or
// kUnsupportedFormat.
Result<PngHeader, Failure> ReadPngHeader(Bytes source,
                                         const CodecLimits& limits);

// All chunks: CRCs, order, nothing missing up to IEND; what follows IEND is
// ignored. Fails with the above and kTooComplex.
Result<PngFile, Failure> ReadPngFile(Bytes source, const CodecLimits& limits);

// The file without the chunks that are neither pixels, animation, colour nor
// orientation; pixels byte for byte. Never longer than the source. `file` was
// read from `source`.
enum class PngMetadata : uint8_t { kStrip, kKeep };
std::vector<uint8_t> CopyPng(Bytes source, const PngFile& file,
                             PngMetadata metadata);

// Text, time, physical size and the like: whole chunks of `source`, for a
// re-encoded file.
std::vector<Bytes> PngMetadataChunks(Bytes source);

extern const uint8_t kPngSignature[8];
void AppendPngChunk(std::vector<uint8_t>& out, std::string_view type,
                    Bytes data);

}  // namespace imgbatch
