#include "formats/jpeg_write.h"

#include <algorithm>
#include <string_view>

#include "formats/exif.h"
#include "formats/jpeg_tokens.h"

namespace imgbatch {
namespace {

using Bytes = std::span<const uint8_t>;

void Append(Bytes bytes, std::vector<uint8_t>& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void AppendWord(size_t value, std::vector<uint8_t>& out) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void AppendSegment(uint8_t marker, Bytes payload, std::vector<uint8_t>& out) {
  out.push_back(0xFF);
  out.push_back(marker);
  AppendWord(payload.size() + 2, out);
  Append(payload, out);
}

bool IsMetadata(const JpegSegment& segment) {
  return (segment.marker >= kApp0 && segment.marker <= 0xEF) ||
         segment.marker == kCom;
}

bool HasName(const JpegSegment& segment, uint8_t marker,
             std::string_view name) {
  return segment.marker == marker && segment.payload().size() >= name.size() &&
         std::equal(name.begin(), name.end(), segment.payload().begin());
}

// Adobe's marker says how components are to be read; JFIF's says the same for
// plain YCbCr.
bool NeedsAdobe(const JpegHeader& header) {
  return header.components >= 3 &&
         !(header.jfif && header.adobe_transform == 1);
}

void AppendStripped(const JpegHeader& header, std::vector<uint8_t>& out) {
  bool seen_jfif = false;
  for (const JpegSegment& segment : header.segments) {
    if (!seen_jfif && HasName(segment, kApp0, std::string_view("JFIF\0", 5)) &&
        segment.payload().size() >= 14) {
      // Version and density, without the thumbnail.
      std::array<uint8_t, 14> payload{};
      std::copy_n(segment.payload().begin(), 12, payload.begin());
      payload[5] = 1;  // There is no other major version.
      AppendSegment(kApp0, payload, out);
      seen_jfif = true;
    }
  }
  if (header.orientation != 1) {
    std::vector<uint8_t> payload = {'E', 'x', 'i', 'f', 0, 0};
    Append(MinimalExif(header.orientation), payload);
    AppendSegment(kApp1, payload, out);
  }
  for (const JpegSegment& segment : header.segments) {
    if (IsIccSegment(segment)) Append(segment.bytes, out);
    if (NeedsAdobe(header) && HasName(segment, kApp14, "Adobe") &&
        segment.payload().size() >= 12) {
      std::array<uint8_t, 12> payload{};
      std::copy_n(segment.payload().begin(), 12, payload.begin());
      payload[11] = header.color == JpegColor::kYcck  ? 2
                    : header.color == JpegColor::kYcc ? 1
                                                      : 0;
      AppendSegment(kApp14, payload, out);
    }
  }
}

}  // namespace

std::vector<uint8_t> StartOfFile(const JpegHeader& header,
                                 JpegMetadata metadata) {
  std::vector<uint8_t> out = {0xFF, kSoi};
  if (metadata == JpegMetadata::kStrip) {
    AppendStripped(header, out);
    return out;
  }
  for (const JpegSegment& segment : header.segments) {
    if (IsMetadata(segment) && !IsMpfSegment(segment)) {
      Append(segment.bytes, out);
    }
  }
  return out;
}

void AppendFrame(const JpegHeader& header,
                 const std::array<JpegSteps, 4>& targets, bool progressive,
                 std::vector<uint8_t>& out) {
  std::array<uint8_t, 4> table_of{};
  std::vector<JpegSteps> tables;
  bool wide = false;
  for (int i = 0; i < header.components; ++i) {
    const auto found = std::find(tables.begin(), tables.end(), targets[i]);
    table_of[i] = static_cast<uint8_t>(found - tables.begin());
    if (found == tables.end()) tables.push_back(targets[i]);
  }
  std::vector<uint8_t> payload;
  for (size_t i = 0; i < tables.size(); ++i) {
    const bool big =
        *std::max_element(tables[i].begin(), tables[i].end()) > 255;
    wide |= big;
    payload.push_back(static_cast<uint8_t>((big ? 0x10 : 0) | i));
    for (const uint16_t step : tables[i]) {
      if (big) payload.push_back(static_cast<uint8_t>(step >> 8));
      payload.push_back(static_cast<uint8_t>(step));
    }
  }
  AppendSegment(kDqt, payload, out);
  payload = {8};
  AppendWord(header.height, payload);
  AppendWord(header.width, payload);
  payload.push_back(static_cast<uint8_t>(header.components));
  for (int i = 0; i < header.components; ++i) {
    const JpegComponent& component = header.component[i];
    payload.push_back(component.id);
    payload.push_back(static_cast<uint8_t>(component.h << 4 | component.v));
    payload.push_back(table_of[i]);
  }
  // Baseline allows 8-bit tables only (T.81, table B.4).
  AppendSegment(progressive ? kSof2 : wide ? kSof1 : kSof0, payload, out);
}

void AppendHuffmanTables(const JpegScanTables& tables,
                         std::vector<uint8_t>& out) {
  std::vector<uint8_t> payload;
  for (size_t i = 0; i < 4; ++i) {
    const JpegHuffmanTable& table = tables.tables[i];
    size_t total = 0;
    for (const uint8_t count : table.counts) total += count;
    if (total == 0) continue;
    payload.push_back(static_cast<uint8_t>((i & 1) << 4 | i >> 1));
    Append(std::span(table.counts).subspan(1), payload);
    Append(std::span(table.symbols).first(total), payload);
  }
  AppendSegment(kDht, payload, out);
}

void AppendScanHeader(const JpegHeader& header, std::vector<uint8_t>& out) {
  std::vector<uint8_t> payload = {static_cast<uint8_t>(header.components)};
  for (int i = 0; i < header.components; ++i) {
    payload.push_back(header.component[i].id);
    payload.push_back(TablesOf(header, i) == 0 ? 0x00 : 0x11);
  }
  payload.insert(payload.end(), {0, 63, 0});
  AppendSegment(kSos, payload, out);
}

std::vector<uint8_t> StripJpeg(Bytes source, const JpegHeader& header,
                               const JpegExtent& extent,
                               JpegMetadata metadata) {
  std::vector<uint8_t> out = StartOfFile(header, metadata);
  for (const JpegSegment& segment : header.segments) {
    if (!IsMetadata(segment)) Append(segment.bytes, out);
  }
  Append(source.subspan(header.sos, extent.end - header.sos), out);
  if (out.size() > source.size()) out.assign(source.begin(), source.end());
  return out;
}

}  // namespace imgbatch
