// Reads the markers of a JPEG file (ITU-T T.81, annex B) without decoding it.
// Every offset is checked against the bytes that are there; nothing is
// allocated from figures in the header. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/failure.h"
#include "core/result.h"
#include "formats/limits.h"

namespace imgbatch {

// Marker codes: the byte after 0xFF.
inline constexpr uint8_t kSof0 = 0xC0, kSof1 = 0xC1, kSof2 = 0xC2, kSof9 = 0xC9,
                         kSof10 = 0xCA, kDht = 0xC4, kSoi = 0xD8, kEoi = 0xD9,
                         kSos = 0xDA, kDqt = 0xDB, kDri = 0xDD, kApp0 = 0xE0,
                         kApp1 = 0xE1, kApp2 = 0xE2, kApp14 = 0xEE, kCom = 0xFE;

struct JpegComponent {
  uint8_t id = 0;
  uint8_t h = 1;  // Sampling factors, 1..4.
  uint8_t v = 1;
  uint8_t quant = 0;  // Table 0..3.
};

struct JpegQuantTable {
  bool defined = false;
  std::array<uint16_t, 64> steps{};  // Zigzag order; none is 0.
};

struct JpegHuffmanTable {
  bool defined = false;
  std::array<uint8_t, 17> counts{};  // Codes of each length; [0] unused.
  std::array<uint8_t, 256> symbols{};
};

// One marker segment before the first scan.
struct JpegSegment {
  uint8_t marker = 0;
  // The whole segment: marker, length, payload.
  std::span<const uint8_t> bytes;
  std::span<const uint8_t> payload() const { return bytes.subspan(4); }
};

// How the three or four components are to be read, after libjpeg's rules
// (JFIF, then Adobe, then the component ids).
enum class JpegColor : uint8_t { kGrey, kYcc, kRgb, kCmyk, kYcck, kOther };

struct JpegHeader {
  uint32_t width = 0;   // Pixels.
  uint32_t height = 0;  // Pixels.
  uint8_t process = kSof0;
  int components = 0;  // 1..4.
  std::array<JpegComponent, 4> component{};
  int h_max = 1, v_max = 1;  // The greatest sampling factors.

  // As they stand at the first scan.
  std::array<JpegQuantTable, 4> quant{};
  std::array<JpegHuffmanTable, 4> dc{};
  std::array<JpegHuffmanTable, 4> ac{};
  uint32_t restart_interval = 0;  // MCUs; 0: none.

  bool jfif = false;
  int adobe_transform = -1;  // -1: no Adobe marker.
  int orientation = 1;       // EXIF, 1..8.
  bool mpf = false;          // Says that a second image follows.
  size_t metadata = 0;       // Bytes of APPn and COM.
  JpegColor color = JpegColor::kOther;

  std::vector<JpegSegment> segments;  // Everything before the first scan.

  // The first scan.
  int scan_components = 0;
  std::array<uint8_t, 4> scan_component{};  // Index into `component`.
  std::array<uint8_t, 4> scan_dc{};
  std::array<uint8_t, 4> scan_ac{};
  bool full_spectrum = false;  // Ss = 0, Se = 63, no approximation.
  size_t sos = 0;              // Offset of the first SOS marker.
  size_t scan_begin = 0;       // Offset of its entropy-coded data.

  bool progressive() const { return process == kSof2 || process == kSof10; }
  bool arithmetic() const { return process == kSof9 || process == kSof10; }
};

// What only a walk to the end can tell.
struct JpegExtent {
  int scans = 0;
  size_t first_scan_end = 0;  // Where the first scan's entropy data ends.
  size_t end = 0;             // Just after EOI; the rest is not this picture.
};

// Up to the first scan. Fails with kNotAnImage, kUnsupportedFormat (lossless,
// hierarchical, 12 bits …), kTooManyPixels, kTooComplex (metadata over the
// limit) or kCorruptImage.
Result<JpegHeader, Failure> ReadJpegHeader(std::span<const uint8_t> source,
                                           const CodecLimits& limits);

// From the first scan to EOI. Fails with kCorruptImage when there is no EOI,
// kTooComplex when there are too many scans.
Result<JpegExtent, Failure> MeasureJpeg(std::span<const uint8_t> source,
                                        const JpegHeader& header,
                                        const CodecLimits& limits);

// True for an APP2 segment that holds a piece of the colour profile.
bool IsIccSegment(const JpegSegment& segment);
// True for the index of a multi-picture file (CIPA DC-007).
bool IsMpfSegment(const JpegSegment& segment);

// Blocks of a component across and down: what a scan of it alone codes, and
// what all components together code (padded to whole MCUs).
struct JpegGrid {
  uint32_t width = 0, height = 0;
  uint32_t padded_width = 0, padded_height = 0;
};
JpegGrid BlockGrid(const JpegHeader& header, int component);

}  // namespace imgbatch
