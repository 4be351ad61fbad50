#include "formats/csv_source.h"

#include <array>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

std::string ReadAll(CsvSource& source, size_t piece) {
  std::string text;
  std::string buffer(piece, '\0');
  while (true) {
    Result<size_t> got = source.Read(buffer);
    EXPECT_TRUE(got);
    if (!got || *got == 0) return text;
    text.append(buffer, 0, *got);
  }
}

// "a", a lone high surrogate, U+1F375, a lone low one, a newline.
constexpr std::string_view kUtf16{
    "\xFF\xFE"
    "a\0\x01\xD8\x3C\xD8\x75\xDF\x02\xDC\n\0",
    14};

TEST(CsvSource, Utf16ComesBackByteForByte) {
  for (const size_t piece : {4u, 5u, 100u}) {
    Result<CsvSource> source = CsvSource::OfBytes(std::string(kUtf16), "");
    ASSERT_TRUE(source);
    EXPECT_EQ(source->encoding(), CsvEncoding::kUtf16Le);
    std::string text = ReadAll(*source, piece);
    std::string bytes;
    EncodeCsvText(CsvEncoding::kUtf16Le, text, bytes);
    EXPECT_EQ(bytes, kUtf16.substr(2));
  }
}

TEST(CsvSource, LongUtf16IsNotCutWithinACharacter) {
  std::string bytes = "\xFE\xFF";
  for (int i = 0; i < 50'000; ++i) {
    bytes +=
        i % 3 == 0 ? std::string("\xD8\x3C\xDF\x75", 4) : std::string("\0x", 2);
  }
  Result<CsvSource> source = CsvSource::OfBytes(bytes, "");
  ASSERT_TRUE(source);
  std::string text = ReadAll(*source, 1000);
  std::string back;
  EncodeCsvText(CsvEncoding::kUtf16Be, text, back);
  EXPECT_EQ(back, bytes.substr(2));
}

TEST(CsvSource, AnOddLastByteIsKept) {
  Result<CsvSource> source = CsvSource::OfBytes(std::string("\xFF\xFE"
                                                            "a\0b",
                                                            5),
                                                "");
  ASSERT_TRUE(source);
  EXPECT_EQ(ReadAll(*source, 10), "a");
  EXPECT_EQ(source->odd_tail(), "b");
}

struct EncodingCase {
  std::string_view bytes;
  std::string_view flag;
  CsvEncoding encoding;
  size_t bom;
};

TEST(CsvSource, TellsTheEncoding) {
  const EncodingCase cases[] = {
      {"a,b\n", "", CsvEncoding::kUtf8, 0},
      {"\xEF\xBB\xBF"
       "a,b\n",
       "", CsvEncoding::kUtf8, 3},
      {"\xC3\xA4,b\n", "", CsvEncoding::kUtf8, 0},
      {"\xE4,b\n", "", CsvEncoding::kWindows1252, 0},
      {"a,b\xE4", "", CsvEncoding::kWindows1252, 0},
      {"\xE4,b\n", "utf-8", CsvEncoding::kUtf8, 0},
      {"\xC3\xA4,b\n", "cp1252", CsvEncoding::kWindows1252, 0},
      {"\xFE\xFF\x01\x61", "", CsvEncoding::kUtf16Be, 2},
      {"\x01\x61", "utf-16be", CsvEncoding::kUtf16Be, 0},
  };
  for (const EncodingCase& test : cases) {
    Result<CsvSource> source =
        CsvSource::OfBytes(std::string(test.bytes), test.flag);
    ASSERT_TRUE(source) << test.bytes;
    EXPECT_EQ(source->encoding(), test.encoding) << test.bytes;
    EXPECT_EQ(source->bom_size(), test.bom) << test.bytes;
  }
}

struct RefusedCase {
  std::string_view bytes;
  std::string_view says;
};

TEST(CsvSource, RefusesWhatIsNoText) {
  const RefusedCase cases[] = {
      {"", "is empty"},
      {"PK\x03\x04 and more", "save it as CSV"},
      {"\x1F\x8B gzip", "unpack it first"},
      {"%PDF-1.4", "a PDF document"},
      {std::string_view("a\0,\0b\0\n\0", 8), "--encoding utf-16le"},
  };
  for (const RefusedCase& test : cases) {
    Result<CsvSource> source = CsvSource::OfBytes(std::string(test.bytes), "");
    ASSERT_FALSE(source) << test.says;
    EXPECT_EQ(source.error().code, ErrorCode::kInput);
    EXPECT_NE(source.error().message.find(test.says), std::string::npos)
        << source.error().message;
  }
  EXPECT_EQ(CsvSource::OfBytes("a", "klingon").error().code, ErrorCode::kUsage);
  EXPECT_EQ(CsvSource::Open("/", "").error().code, ErrorCode::kInput);
  EXPECT_EQ(CsvSource::Open("/no/such.csv", "").error().code,
            ErrorCode::kInput);
}

}  // namespace
}  // namespace imgbatch
