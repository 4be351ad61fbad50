// The outside of a WebP file: its RIFF chunks (RFC 9649).
#pragma once

#include <string_view>
#include <vector>

#include "core/failure.h"
#include "core/result.h"
#include "formats/bytes.h"

namespace imgbatch {

// Spans point into the source.
struct WebpFile {
  Bytes whole;          // Without what follows the RIFF container.
  Bytes vp8x;           // Data of VP8X; empty in the simple format.
  Bytes icc;            // Data of ICCP.
  Bytes exif;           // Data of EXIF.
  Bytes xmp;            // Data of XMP.
  int frames = 0;       // ANMF chunks.
  int orientation = 1;  // Of EXIF, 1..8.
};

// Walks all chunks. Fails with kCorruptImage when anything is missing.
Result<WebpFile, Failure> ReadWebpFile(Bytes source);

enum class WebpMetadata : uint8_t { kStrip, kKeep };

// The same pictures with the same bytes, without metadata (orientation and
// profile stay). Never longer than the source.
std::vector<uint8_t> CopyWebp(const WebpFile& file, WebpMetadata metadata);

// `encoded` is a whole WebP file of an encoder; it gets profile, orientation
// and, with kKeep, the rest of the metadata of `file`.
std::vector<uint8_t> DressWebp(std::vector<uint8_t> encoded,
                               const WebpFile& file, WebpMetadata metadata);

}  // namespace imgbatch
