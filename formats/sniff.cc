#include "formats/sniff.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "formats/bytes.h"
#include "formats/checks.h"

namespace imgbatch {
namespace {

using namespace std::string_view_literals;

bool IsSpace(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' ||
         c == '\v';
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

// "BM" begins a lot of text, so the two headers must make sense as well.
bool LooksLikeBmp(Bytes b) {
  if (!HasAt(b, 0, "BM") || b.size() < 26) return false;
  const uint32_t pixels = Le32(&b[10]);
  const uint32_t header = Le32(&b[14]);
  constexpr std::array<uint32_t, 7> kHeaders{12, 40, 52, 56, 64, 108, 124};
  return std::find(kHeaders.begin(), kHeaders.end(), header) !=
             kHeaders.end() &&
         pixels >= 14 + header;
}

// "P1" to "P6", white space, then a number or a comment.
bool LooksLikePnm(Bytes b) {
  if (b.size() < 4 || b[0] != 'P' || b[1] < '1' || b[1] > '6') return false;
  if (!IsSpace(b[2])) return false;
  size_t i = 3;
  while (i < b.size() && IsSpace(b[i])) ++i;
  return i < b.size() && (b[i] == '#' || (b[i] >= '0' && b[i] <= '9'));
}

bool EndsInTga(std::string_view name) {
  if (name.size() < 4) return false;
  std::string end(name.substr(name.size() - 4));
  std::transform(end.begin(), end.end(), end.begin(), Lower);
  return end == ".tga";
}

// All fields of the 18 bytes must be ones that a writer would write.
bool LooksLikeTga(Bytes b) {
  if (b.size() < 18) return false;
  const uint8_t map_type = b[1];
  const uint8_t type = b[2];
  const uint8_t depth = b[16];
  const bool mapped = type == 1 || type == 9;
  const bool colour = type == 2 || type == 10;
  const bool grey = type == 3 || type == 11;
  if (!mapped && !colour && !grey) return false;
  if (map_type != (mapped ? 1 : 0)) return false;
  if (mapped) {
    const uint8_t entry = b[7];
    if (Le16(&b[5]) == 0 || depth != 8) return false;
    if (entry != 15 && entry != 16 && entry != 24 && entry != 32) return false;
  }
  if (grey && depth != 8 && depth != 16) return false;
  if (colour && depth != 15 && depth != 16 && depth != 24 && depth != 32) {
    return false;
  }
  return Le16(&b[12]) > 0 && Le16(&b[14]) > 0 && (b[17] & 0xC0) == 0;
}

// ISO base media files name their kind in the brands of the "ftyp" box.
std::optional<Result<ImageFormat, Failure>> SniffBrands(Bytes b) {
  if (!HasAt(b, 4, "ftyp") || b.size() < 16) return std::nullopt;
  const size_t end = std::min<size_t>({b.size(), Be32(b.data()), 256});
  bool heif = false;
  for (size_t i = 8; i + 4 <= end; i += 4) {
    if (i == 12) continue;  // The minor version.
    const std::string_view brand = AsText(b.subspan(i, 4));
    if (brand == "avif" || brand == "avis") return ImageFormat::kAvif;
    heif = heif || brand == "heic" || brand == "heix" || brand == "hevc" ||
           brand == "hevx" || brand == "heim" || brand == "heis" ||
           brand == "mif1" || brand == "msf1";
  }
  if (heif) return Unsupported("a HEIF picture; HEIF is not supported");
  return Failure{FailureCode::kNotAnImage, 0, "a video file, not an image"};
}

struct Signature {
  size_t offset;
  std::string_view magic;
  std::string_view what;
};

constexpr std::array<Signature, 10> kUnsupported{{
    {0, "II*\0"sv, "a TIFF picture; TIFF is not supported"},
    {0, "MM\0*"sv, "a TIFF picture; TIFF is not supported"},
    {0, "\0\0\0\x0CJXL "sv, "a JPEG XL picture; JPEG XL is not supported"},
    {0, "\xFF\x0A"sv, "a JPEG XL picture; JPEG XL is not supported"},
    {0, "\0\0\0\x0CjP  "sv, "a JPEG 2000 picture; JPEG 2000 is not supported"},
    {0, "\xFF\x4F\xFF\x51"sv,
     "a JPEG 2000 picture; JPEG 2000 is not supported"},
    {0, "\0\0\1\0"sv, "a Windows icon; icons are not supported"},
    {0, "P7\n"sv, "a PAM picture; PAM is not supported"},
    {0, "qoif"sv, "a QOI picture; QOI is not supported"},
    {0, "DDS "sv, "a DDS texture; DDS is not supported"},
}};

constexpr std::array<Signature, 8> kOther{{
    {0, "%PDF-", "a PDF document"},
    {0, "PK\3\4", "a ZIP archive"},
    {0, "\x1F\x8B", "gzip-compressed data"},
    {0, "\x28\xB5\x2F\xFD", "zstd-compressed data"},
    {0, "Rar!", "a RAR archive"},
    {0, "\x1A\x45\xDF\xA3", "a video file"},
    {0, "%!PS", "a PostScript document"},
    {0,
     "\x7F"
     "ELF",
     "a program"},
}};

// The beginning in lower case, without a byte order mark and white space.
std::string TextBeginning(Bytes b) {
  if (HasAt(b, 0, "\xEF\xBB\xBF")) b = b.subspan(3);
  size_t i = 0;
  while (i < b.size() && IsSpace(b[i])) ++i;
  std::string text(AsText(b.subspan(i, std::min<size_t>(b.size() - i, 1024))));
  std::transform(text.begin(), text.end(), text.begin(), Lower);
  return text;
}

bool IsText(Bytes b) {
  const Bytes head = b.first(std::min<size_t>(b.size(), 512));
  return std::all_of(head.begin(), head.end(), [](uint8_t c) {
    return c >= 0x20 ? c != 0x7F : IsSpace(c) || c == 0x1B;
  });
}

// What bytes that are no picture are, in two or three words.
std::string_view Describe(Bytes b) {
  for (const Signature& s : kOther) {
    if (HasAt(b, s.offset, s.magic)) return s.what;
  }
  const std::string text = TextBeginning(b);
  const auto has = [&](std::string_view word) {
    return text.find(word) != std::string::npos;
  };
  if (text.starts_with('<')) {
    if (has("<!doctype html") || has("<html") || has("<head") || has("<body") ||
        has("<script")) {
      return "an HTML page";
    }
    if (has("<svg")) return "an SVG drawing";
    if (text.starts_with("<?xml") || IsText(b)) return "an XML document";
  }
  if (!IsText(b)) return "unknown data";
  if (text.starts_with('{') || text.starts_with('[')) return "a JSON document";
  return "text";
}

}  // namespace

Result<ImageFormat, Failure> Sniff(const SourceImage& source) {
  const Bytes b = source.bytes;
  if (b.empty()) {
    return Failure{FailureCode::kNotAnImage, 0, "0 bytes, not an image"};
  }
  if (HasAt(b, 0, "\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (HasAt(b, 0, "\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (HasAt(b, 0, "RIFF") && HasAt(b, 8, "WEBP")) return ImageFormat::kWebp;
  if (HasAt(b, 0, "GIF87a") || HasAt(b, 0, "GIF89a")) return ImageFormat::kGif;
  if (HasAt(b, 0, "8BPS")) return ImageFormat::kPsd;
  if (LooksLikeBmp(b)) return ImageFormat::kBmp;
  if (LooksLikePnm(b)) return ImageFormat::kPnm;
  if (const auto found = SniffBrands(b)) return *found;
  if (EndsInTga(source.name) && LooksLikeTga(b)) return ImageFormat::kTga;
  for (const Signature& s : kUnsupported) {
    if (HasAt(b, s.offset, s.magic)) return Unsupported(std::string(s.what));
  }
  for (const std::string_view magic :
       {"\xFF\xD8\xFF"sv, "\x89PNG\r\n\x1A\n"sv, "GIF89a"sv}) {
    if (b.size() < magic.size() && magic.starts_with(AsText(b))) {
      return Corrupt("cut off after the first bytes");
    }
  }
  return Failure{FailureCode::kNotAnImage, 0,
                 std::string(Describe(b)) + ", not an image"};
}

}  // namespace imgbatch
