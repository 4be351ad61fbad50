#include "formats/pnm.h"

#include <optional>

#include "formats/bytes.h"
#include "formats/checks.h"

namespace imgbatch {
namespace {

bool IsSpace(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsDigit(uint8_t c) { return c >= '0' && c <= '9'; }

// Reads the words of the text parts.
class Words {
 public:
  explicit Words(Bytes source, size_t at) : source_(source), at_(at) {}

  size_t at() const { return at_; }
  // nullopt at the end, at anything but a number, and above 2^31.
  std::optional<uint32_t> Number() {
    SkipSpace();
    uint64_t value = 0;
    const size_t begin = at_;
    while (at_ < source_.size() && IsDigit(source_[at_])) {
      value = value * 10 + (source_[at_++] - '0');
      if (value > 0x7FFFFFFF) return std::nullopt;
    }
    if (at_ == begin) return std::nullopt;
    return static_cast<uint32_t>(value);
  }
  // A pixel of P1; they need no space between them.
  std::optional<uint8_t> Bit() {
    SkipSpace();
    if (at_ == source_.size()) return std::nullopt;
    const uint8_t c = source_[at_++];
    if (c != '0' && c != '1') return std::nullopt;
    return c == '1' ? uint8_t{0} : uint8_t{255};  // 1 is black.
  }

 private:
  void SkipSpace() {
    while (at_ < source_.size()) {
      if (source_[at_] == '#') {
        while (at_ < source_.size() && source_[at_] != '\n') ++at_;
      } else if (IsSpace(source_[at_])) {
        ++at_;
      } else {
        return;
      }
    }
  }

  Bytes source_;
  size_t at_;
};

struct Header {
  char kind = '1';
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t maximum = 1;
  size_t data = 0;  // Offset of the pixels.
  int channels() const { return kind == '3' || kind == '6' ? 3 : 1; }
  bool text() const { return kind <= '3'; }
  uint64_t samples() const { return uint64_t{width} * height * channels(); }
  // The least bytes that the pixels can have.
  uint64_t needed() const {
    switch (kind) {
      case '1':
        return samples();
      case '4':
        return uint64_t{(width + 7) / 8} * height;
      case '5':
      case '6':
        return samples() * (maximum > 255 ? 2 : 1);
      default:
        return 2 * samples() - 1;
    }
  }
};

Result<Header, Failure> ReadHeader(Bytes source, const CodecLimits& limits) {
  const Failure damaged = Corrupt("the header of the PNM is damaged");
  if (source.size() < 3) return damaged;
  Header header;
  header.kind = static_cast<char>(source[1]);
  Words words(source, 2);
  const auto width = words.Number();
  const auto height = words.Number();
  const bool has_maximum = header.kind != '1' && header.kind != '4';
  const auto maximum = has_maximum ? words.Number() : 1;
  if (!width || !height || !maximum || *maximum == 0 || *maximum > 65535) {
    return damaged;
  }
  header.width = *width;
  header.height = *height;
  header.maximum = *maximum;
  const auto size = CheckSize(*width, *height, limits);
  if (!size) return size.error();
  if (words.at() >= source.size() || !IsSpace(source[words.at()])) {
    return damaged;
  }
  header.data = words.at() + 1;
  if (source.size() - header.data < header.needed()) {
    return Corrupt("the PNM is cut off");
  }
  return header;
}

uint8_t Scale(uint32_t value, uint32_t maximum) {
  return static_cast<uint8_t>((value * 255 + maximum / 2) / maximum);
}

void ReadBits(Bytes data, const Header& header, std::vector<uint8_t>& out) {
  const size_t stride = (header.width + 7) / 8;
  for (size_t y = 0; y < header.height; ++y) {
    for (size_t x = 0; x < header.width; ++x) {
      const bool black = (data[y * stride + x / 8] >> (7 - x % 8) & 1) != 0;
      out.push_back(black ? 0 : 255);
    }
  }
}

// False when a sample is missing or above the maximum.
bool ReadSamples(Bytes source, const Header& header,
                 std::vector<uint8_t>& out) {
  const uint8_t* p = source.data() + header.data;
  Words words(source, header.data);
  for (uint64_t i = 0; i < header.samples(); ++i) {
    uint32_t value = 0;
    if (header.kind == '1') {
      const auto bit = words.Bit();
      if (!bit) return false;
      out.push_back(*bit);
      continue;
    }
    if (header.text()) {
      const auto number = words.Number();
      if (!number) return false;
      value = *number;
    } else {
      value = header.maximum > 255 ? Be16(p + 2 * i) : p[i];
    }
    if (value > header.maximum) return false;
    out.push_back(Scale(value, header.maximum));
  }
  return true;
}

}  // namespace

Result<CodecCost, Failure> PnmCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits) {
  const auto header = ReadHeader(source, limits);
  if (!header) return header.error();
  return CodecCost{ImageFormat::kPnm, header->width, header->height,
                   header->samples()};
}

Result<Pixels, Failure> DecodePnm(std::span<const uint8_t> source,
                                  const CodecLimits& limits) {
  const auto header = ReadHeader(source, limits);
  if (!header) return header.error();
  Pixels pixels;
  pixels.width = header->width;
  pixels.height = header->height;
  pixels.channels = header->channels();
  pixels.data.reserve(header->samples());
  if (header->kind == '4') {
    ReadBits(source.subspan(header->data), *header, pixels.data);
  } else if (!ReadSamples(source, *header, pixels.data)) {
    return Corrupt("the samples of the PNM are damaged");
  }
  return pixels;
}

}  // namespace imgbatch
