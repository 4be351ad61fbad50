#include "formats/jpeg_markers.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "formats/exif.h"

namespace imgbatch {
namespace {

using Bytes = std::span<const uint8_t>;

// A picture has a few dozen; an ICC profile at most 255.
constexpr size_t kMaxSegments = 4096;

Failure Corrupt(std::string message) {
  return {FailureCode::kCorruptImage, 0, "JPEG: " + std::move(message)};
}
Failure Unsupported(std::string message) {
  return {FailureCode::kUnsupportedFormat, 0, "JPEG: " + std::move(message)};
}
Failure TooComplex(std::string message) {
  return {FailureCode::kTooComplex, 0, "JPEG: " + std::move(message)};
}

uint32_t Word(Bytes bytes, size_t at) {
  return uint32_t{bytes[at]} << 8 | bytes[at + 1];
}

bool StartsWith(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

// The segment whose marker is at `at`; fill bytes before it are skipped.
// Markers without a length are returned alone.
Result<JpegSegment, Failure> SegmentAt(Bytes source, size_t& at) {
  if (at >= source.size()) return Corrupt("truncated: no end marker");
  if (source[at] != 0xFF) return Corrupt("stray bytes between markers");
  while (at + 1 < source.size() && source[at + 1] == 0xFF) ++at;
  if (at + 1 >= source.size()) return Corrupt("truncated: no end marker");
  const uint8_t marker = source[at + 1];
  if (marker == kEoi) return JpegSegment{marker, source.subspan(at, 2)};
  if (marker < kSof0 || (marker >= 0xD0 && marker <= kSoi)) {
    return Corrupt("a marker that cannot stand here");
  }
  if (at + 4 > source.size()) return Corrupt("truncated in a marker");
  const uint32_t length = Word(source, at + 2);
  if (length < 2) return Corrupt("a marker with an impossible length");
  if (length + 2 > source.size() - at) return Corrupt("truncated in a marker");
  return JpegSegment{marker, source.subspan(at, length + 2)};
}

Result<void, Failure> ReadQuantTables(Bytes payload, JpegHeader& header) {
  while (!payload.empty()) {
    const int wide = payload[0] >> 4;
    const int index = payload[0] & 15;
    const size_t size = wide ? 128 : 64;
    if (wide > 1 || index > 3 || payload.size() < 1 + size) {
      return Corrupt("a damaged quantisation table");
    }
    JpegQuantTable& table = header.quant[index];
    table.defined = true;
    for (size_t i = 0; i < 64; ++i) {
      table.steps[i] = static_cast<uint16_t>(wide ? Word(payload, 1 + 2 * i)
                                                  : uint32_t{payload[1 + i]});
      if (table.steps[i] == 0) return Corrupt("a quantisation step of 0");
    }
    payload = payload.subspan(1 + size);
  }
  return {};
}

Result<void, Failure> ReadHuffmanTables(Bytes payload, JpegHeader& header) {
  while (!payload.empty()) {
    const int kind = payload[0] >> 4;
    const int index = payload[0] & 15;
    if (payload.size() < 17 || kind > 1 || index > 3) {
      return Corrupt("a damaged Huffman table");
    }
    JpegHuffmanTable table{.defined = true};
    size_t total = 0;
    for (int i = 1; i <= 16; ++i) total += table.counts[i] = payload[i];
    if (total > 256 || payload.size() < 17 + total) {
      return Corrupt("a damaged Huffman table");
    }
    std::copy_n(payload.begin() + 17, total, table.symbols.begin());
    (kind ? header.ac : header.dc)[index] = table;
    payload = payload.subspan(17 + total);
  }
  return {};
}

Result<void, Failure> ReadFrame(const JpegSegment& segment,
                                const CodecLimits& limits, JpegHeader& header) {
  const Bytes payload = segment.payload();
  if (header.components != 0) return Corrupt("two frame headers");
  switch (segment.marker) {
    case kSof0:
    case kSof1:
    case kSof2:
    case kSof9:
    case kSof10:
      break;
    case 0xC3:
    case 0xCB:
      return Unsupported("lossless coding");
    default:
      return Unsupported("hierarchical coding");
  }
  if (payload.size() < 6) return Corrupt("a damaged frame header");
  header.process = segment.marker;
  if (payload[0] != 8) {
    return Unsupported(std::to_string(payload[0]) + " bits per sample");
  }
  header.height = Word(payload, 1);
  header.width = Word(payload, 3);
  const int count = payload[5];
  if (header.height == 0) return Unsupported("no height in the header (DNL)");
  if (header.width == 0 || count == 0) return Corrupt("an empty picture");
  if (count > 4) return Unsupported(std::to_string(count) + " components");
  if (payload.size() != 6 + 3 * static_cast<size_t>(count)) {
    return Corrupt("a damaged frame header");
  }
  if (header.width > limits.max_side || header.height > limits.max_side ||
      uint64_t{header.width} * header.height > limits.max_pixels) {
    return Failure{FailureCode::kTooManyPixels, 0,
                   "JPEG: " + std::to_string(header.width) + " x " +
                       std::to_string(header.height) +
                       " pixels are over the limit"};
  }
  header.components = count;
  for (int i = 0; i < count; ++i) {
    JpegComponent& component = header.component[i];
    component.id = payload[6 + 3 * i];
    component.h = payload[7 + 3 * i] >> 4;
    component.v = payload[7 + 3 * i] & 15;
    component.quant = payload[8 + 3 * i];
    if (component.h < 1 || component.h > 4 || component.v < 1 ||
        component.v > 4 || component.quant > 3) {
      return Corrupt("a damaged frame header");
    }
    for (int j = 0; j < i; ++j) {
      if (header.component[j].id == component.id) {
        return Corrupt("two components with one name");
      }
    }
    header.h_max = std::max<int>(header.h_max, component.h);
    header.v_max = std::max<int>(header.v_max, component.v);
  }
  return {};
}

Result<void, Failure> ReadScan(const JpegSegment& segment, JpegHeader& header) {
  const Bytes payload = segment.payload();
  if (header.components == 0) return Corrupt("a scan before its frame");
  const size_t count = payload.empty() ? 0 : payload[0];
  if (count < 1 || count > 4 || payload.size() != 4 + 2 * count) {
    return Corrupt("a damaged scan header");
  }
  header.scan_components = static_cast<int>(count);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t id = payload[1 + 2 * i];
    int index = 0;
    while (index < header.components && header.component[index].id != id) {
      ++index;
    }
    if (index == header.components) return Corrupt("a damaged scan header");
    header.scan_component[i] = static_cast<uint8_t>(index);
    header.scan_dc[i] = payload[2 + 2 * i] >> 4;
    header.scan_ac[i] = payload[2 + 2 * i] & 15;
  }
  const Bytes rest = payload.subspan(1 + 2 * count);
  header.full_spectrum = rest[0] == 0 && rest[1] == 63 && rest[2] == 0;
  return {};
}

void ReadApp(const JpegSegment& segment, JpegHeader& header) {
  const Bytes payload = segment.payload();
  header.metadata += segment.bytes.size();
  if (segment.marker == kApp0 && payload.size() >= 14 &&
      StartsWith(payload, std::string_view("JFIF\0", 5))) {
    header.jfif = true;
  } else if (segment.marker == kApp14 && payload.size() >= 12 &&
             StartsWith(payload, "Adobe")) {
    header.adobe_transform = payload[11];
  } else if (segment.marker == kApp1 && header.orientation == 1 &&
             StartsWith(payload, std::string_view("Exif\0\0", 6))) {
    header.orientation = ExifOrientation(payload.subspan(6));
  } else if (IsMpfSegment(segment)) {
    header.mpf = true;
  }
}

JpegColor ColorOf(const JpegHeader& header) {
  const auto ids_are = [&](uint8_t a, uint8_t b, uint8_t c) {
    return header.component[0].id == a && header.component[1].id == b &&
           header.component[2].id == c;
  };
  switch (header.components) {
    case 1:
      return JpegColor::kGrey;
    case 3:
      if (header.jfif) return JpegColor::kYcc;
      if (header.adobe_transform >= 0) {
        return header.adobe_transform == 0 ? JpegColor::kRgb : JpegColor::kYcc;
      }
      return ids_are('R', 'G', 'B') ? JpegColor::kRgb : JpegColor::kYcc;
    case 4:
      return header.adobe_transform > 0 ? JpegColor::kYcck : JpegColor::kCmyk;
    default:
      return JpegColor::kOther;
  }
}

// The first marker in entropy-coded data from `at` on, RSTn passed over;
// source.size() when there is none.
size_t NextMarker(Bytes source, size_t at) {
  while (at < source.size()) {
    const void* found =
        std::memchr(source.data() + at, 0xFF, source.size() - at);
    if (!found) break;
    at =
        static_cast<size_t>(static_cast<const uint8_t*>(found) - source.data());
    size_t next = at + 1;
    while (next < source.size() && source[next] == 0xFF) ++next;
    if (next >= source.size()) break;
    if (source[next] != 0 && (source[next] & 0xF8) != 0xD0) return next - 1;
    at = next + 1;
  }
  return source.size();
}

}  // namespace

bool IsIccSegment(const JpegSegment& segment) {
  return segment.marker == kApp2 && segment.payload().size() >= 14 &&
         StartsWith(segment.payload(), std::string_view("ICC_PROFILE\0", 12));
}

bool IsMpfSegment(const JpegSegment& segment) {
  return segment.marker == kApp2 &&
         StartsWith(segment.payload(), std::string_view("MPF\0", 4));
}

JpegGrid BlockGrid(const JpegHeader& header, int component) {
  const JpegComponent& own = header.component[component];
  const auto round_up = [](uint32_t value, uint32_t unit) {
    return (value + unit - 1) / unit;
  };
  const uint32_t h_max = static_cast<uint32_t>(header.h_max);
  const uint32_t v_max = static_cast<uint32_t>(header.v_max);
  return {.width = round_up(header.width * own.h, 8 * h_max),
          .height = round_up(header.height * own.v, 8 * v_max),
          .padded_width = round_up(header.width, 8 * h_max) * own.h,
          .padded_height = round_up(header.height, 8 * v_max) * own.v};
}

Result<JpegHeader, Failure> ReadJpegHeader(Bytes source,
                                           const CodecLimits& limits) {
  if (source.size() < 3 || source[0] != 0xFF || source[1] != kSoi ||
      source[2] != 0xFF) {
    return Failure{FailureCode::kNotAnImage, 0, "not a JPEG file"};
  }
  JpegHeader header;
  size_t at = 2;
  while (true) {
    const auto segment = SegmentAt(source, at);
    if (!segment) return segment.error();
    const uint8_t marker = segment->marker;
    Result<void, Failure> read;
    if (marker == kDqt) {
      read = ReadQuantTables(segment->payload(), header);
    } else if (marker == kDht) {
      read = ReadHuffmanTables(segment->payload(), header);
    } else if (marker == kDri) {
      if (segment->payload().size() != 2) return Corrupt("a damaged DRI");
      header.restart_interval = Word(segment->payload(), 0);
    } else if (marker == kSos) {
      read = ReadScan(*segment, header);
    } else if (marker >= kSof0 && marker <= 0xCF && marker != 0xC8 &&
               marker != 0xCC) {
      read = ReadFrame(*segment, limits, header);
    } else if ((marker >= kApp0 && marker <= 0xEF) || marker == kCom) {
      ReadApp(*segment, header);
    } else if (marker == kEoi) {
      return Corrupt("no picture in it");
    } else if (marker == 0xDC) {
      return Unsupported("a DNL marker");
    } else if (marker == 0xF7) {
      return Unsupported("JPEG-LS coding");
    } else if (marker != 0xCC) {  // DAC is libjpeg's business.
      return Unsupported("an unknown marker");
    }
    if (!read) return read.error();
    if (marker == kSos) break;
    if (header.metadata > limits.max_metadata) {
      return TooComplex("metadata is over the limit of " +
                        std::to_string(limits.max_metadata) + " bytes");
    }
    if (header.segments.size() == kMaxSegments) {
      return TooComplex("too many markers");
    }
    header.segments.push_back(*segment);
    at += segment->bytes.size();
  }
  header.sos = at;
  header.scan_begin = at + 2 + Word(source, at + 2);
  header.color = ColorOf(header);
  return header;
}

Result<JpegExtent, Failure> MeasureJpeg(Bytes source, const JpegHeader& header,
                                        const CodecLimits& limits) {
  JpegExtent extent;
  extent.scans = 1;
  size_t at = NextMarker(source, header.scan_begin);
  extent.first_scan_end = at;
  while (true) {
    const auto segment = SegmentAt(source, at);
    if (!segment) return segment.error();
    at += segment->bytes.size();
    if (segment->marker == kEoi) break;
    if (segment->marker == 0xDC) return Unsupported("a DNL marker");
    if (segment->marker != kSos) continue;
    if (++extent.scans > limits.max_scans) {
      return TooComplex("more than " + std::to_string(limits.max_scans) +
                        " scans");
    }
    at = NextMarker(source, at);
  }
  extent.end = at;
  return extent;
}

}  // namespace imgbatch
