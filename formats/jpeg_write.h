// Puts JPEG files together: headers for what was encoded, and copies of files
// without what nobody needs to see the picture.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/jpeg_encode.h"
#include "formats/jpeg_markers.h"
#include "formats/jpeg_quant.h"

namespace imgbatch {

enum class JpegMetadata : uint8_t {
  kStrip,  // JFIF, Adobe, colour profile, and the EXIF orientation alone.
  kKeep,   // Everything but the index of further pictures in the file.
};

// SOI and the segments that stay.
std::vector<uint8_t> StartOfFile(const JpegHeader& header,
                                 JpegMetadata metadata);

// The quantisation tables and the frame header; `targets` per component.
void AppendFrame(const JpegHeader& header,
                 const std::array<JpegSteps, 4>& targets, bool progressive,
                 std::vector<uint8_t>& out);
void AppendHuffmanTables(const JpegScanTables& tables,
                         std::vector<uint8_t>& out);
// The header of a sequential scan of all components.
void AppendScanHeader(const JpegHeader& header, std::vector<uint8_t>& out);

// The source's own coded data under new headers: nothing is re-encoded. Never
// larger than the source.
std::vector<uint8_t> StripJpeg(std::span<const uint8_t> source,
                               const JpegHeader& header,
                               const JpegExtent& extent, JpegMetadata metadata);

}  // namespace imgbatch
