#include "formats/sniff.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

using namespace std::string_literals;

Result<ImageFormat, Failure> SniffText(const std::string& text,
                                       std::string_view name = "") {
  const auto* data = reinterpret_cast<const uint8_t*>(text.data());
  return Sniff({{data, text.size()}, name});
}

TEST(Sniff, KnowsEachFormatByItsContent) {
  const Pixels photo = MakePhoto(16, 16, 1);
  const std::pair<ImageFormat, std::vector<uint8_t>> cases[] = {
      {ImageFormat::kJpeg, MakeJpeg(photo, 80)},
      {ImageFormat::kPng, MakePng(photo, PngKind::kRgb8)},
      {ImageFormat::kWebp, MakeWebp(photo)},
      {ImageFormat::kGif, MakeGif({photo})},
      {ImageFormat::kBmp, MakeBmp(photo, BmpKind::k24)},
      {ImageFormat::kPsd, MakePsd(photo)},
      {ImageFormat::kPnm, MakePnm(photo, '1')},
      {ImageFormat::kPnm, MakePnm(photo, '6')},
  };
  for (const auto& [format, bytes] : cases) {
    const auto found = Sniff({bytes, "wrong-name.txt"});
    ASSERT_TRUE(found.has_value()) << Name(format) << found.error().message;
    EXPECT_EQ(*found, format) << Name(format);
  }
}

TEST(Sniff, KnowsTgaByHeaderAndNameTogether) {
  for (int kind = 0; kind < kTgaKinds; ++kind) {
    const auto tga = MakeTga(MakePhoto(16, 16, 1), static_cast<TgaKind>(kind));
    EXPECT_EQ(*Sniff({tga, "Photo.TGA"}), ImageFormat::kTga) << kind;
    EXPECT_FALSE(Sniff({tga, "photo.jpg"}).has_value()) << kind;
    EXPECT_FALSE(Sniff({tga, ""}).has_value()) << kind;
  }
  EXPECT_FALSE(SniffText("this is a text and no picture", "a.tga").has_value());
}

TEST(Sniff, SaysWhatAnythingElseIs) {
  const struct {
    std::string bytes;
    std::string message;
  } cases[] = {
      {"", "0 bytes, not an image"},
      {"<!DOCTYPE html><html>", "an HTML page, not an image"},
      {"\xEF\xBB\xBF\r\n  <HTML lang=en>", "an HTML page, not an image"},
      {"<?xml version=\"1.0\"?><Error>", "an XML document, not an image"},
      {"<?xml version=\"1.0\"?><svg xmlns=", "an SVG drawing, not an image"},
      {"<svg viewBox=\"0 0 1 1\">", "an SVG drawing, not an image"},
      {"{\"error\": \"not found\"}", "a JSON document, not an image"},
      {"[1, 2]", "a JSON document, not an image"},
      {"%PDF-1.7\n", "a PDF document, not an image"},
      {"Not Found", "text, not an image"},
      {"BMW sells cars, and this is a text", "text, not an image"},
      {"P2P is a network", "text, not an image"},
      {"PK\3\4abcd", "a ZIP archive, not an image"},
      {"\x1F\x8B\x08", "gzip-compressed data, not an image"},
      {"\0\0\0\x18"
       "ftypisom\0\0\2\0isomiso2"s,
       "a video file, not an image"},
      {"\0\1\2\3\4\5\6\7"s, "unknown data, not an image"},
  };
  for (const auto& c : cases) {
    const auto found = SniffText(c.bytes);
    ASSERT_FALSE(found.has_value()) << c.message;
    EXPECT_EQ(found.error().code, FailureCode::kNotAnImage) << c.message;
    EXPECT_EQ(found.error().message, c.message);
  }
}

TEST(Sniff, NamesPictureFormatsThatItCannotDecode) {
  const std::pair<std::string, std::string> cases[] = {
      {"II*\0abcd"s, "TIFF"},
      {"MM\0*abcd"s, "TIFF"},
      {"\0\0\0\x0CJXL \r\n"s, "JPEG XL"},
      {"\xFF\x0A\0\0"s, "JPEG XL"},
      {"\0\0\0\x0CjP  \r\n"s, "JPEG 2000"},
      {"\0\0\1\0\1\0"s, "icon"},
      {"\0\0\0\x18"
       "ftypheic\0\0\0\0mif1heic"s,
       "HEIF"},
  };
  for (const auto& [bytes, word] : cases) {
    const auto found = SniffText(bytes);
    ASSERT_FALSE(found.has_value()) << word;
    EXPECT_EQ(found.error().code, FailureCode::kUnsupportedFormat) << word;
    EXPECT_NE(found.error().message.find(word), std::string::npos)
        << found.error().message;
  }
}

TEST(Sniff, FindsAvifAmongTheBrands) {
  EXPECT_EQ(*SniffText("\0\0\0\x1C"
                       "ftypavif\0\0\0\0avifmif1miaf"s),
            ImageFormat::kAvif);
  EXPECT_EQ(*SniffText("\0\0\0\x1C"
                       "ftypmif1\0\0\0\0mif1avifmiaf"s),
            ImageFormat::kAvif);
}

TEST(Sniff, CallsACutOffSignatureCorrupt) {
  for (const std::string& bytes : {"\xFF\xD8"s, "\x89PNG"s, "GIF8"s}) {
    const auto found = SniffText(bytes);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, FailureCode::kCorruptImage);
  }
}

}  // namespace
}  // namespace imgbatch
