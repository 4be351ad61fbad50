#include "core/naming.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

constexpr NameParts kParts{.row = 12,
                           .place = 3,
                           .url = "https://shop.example/a/red%20shoe.jpg?v=1",
                           .name = "red shoe.jpg",
                           .product = "Shoe, red",
                           .batch = "0193-uuid"};

std::string StemOf(std::string_view text, const NameParts& parts = kParts) {
  auto names = NameTemplate::Parse(text);
  return names ? names->Stem(parts) : "error: " + names.error().message;
}

TEST(Naming, FillsEveryField) {
  struct Case {
    const char* text;
    const char* stem;
  };
  const Case cases[] = {
      {"{row}_{n}.{ext}", "12_3"},
      {"{row:06}-{n:02}-x.{ext}", "000012-03-x"},
      {"{name}.{ext}", "red shoe"},
      {"{name}", "red shoe"},
      {"{product}-{n}", "Shoe, red-3"},
      {"{batch}-{row}", "0193-uuid-12"},
      {"{hash}.{ext}", "9c0a1f3d"},
  };
  for (const Case& c : cases) {
    if (std::string_view(c.text) == "{hash}.{ext}") {
      EXPECT_EQ(StemOf(c.text).size(), 16U);
    } else {
      EXPECT_EQ(StemOf(c.text), c.stem) << c.text;
    }
  }
}

TEST(Naming, LeavesTheDefaultTemplateToTheRow) {
  EXPECT_EQ(StemOf(kDefaultNameTemplate), "");
  EXPECT_EQ(FileName("", 12, 3, ImageFormat::kPng), "000012-3.png");
  EXPECT_EQ(FileName("shoe", 12, 3, ImageFormat::kJpeg), "shoe.jpg");
}

TEST(Naming, NeverLeavesTheDirectory) {
  NameParts hostile = kParts;
  hostile.name = "../../etc/passwd";
  EXPECT_EQ(StemOf("{name}", hostile), "_._.._etc_passwd");
  hostile.name = "..";
  EXPECT_EQ(StemOf("{name}", hostile), "_");
  hostile.name = std::string_view("a\0b\nc", 5);
  EXPECT_EQ(StemOf("{name}", hostile), "a_b_c");
  hostile.name = "";
  EXPECT_EQ(StemOf("{name}", hostile), "image");
}

TEST(Naming, CutsLongNamesBetweenCharacters) {
  std::string long_name;
  for (int i = 0; i < 100; ++i) long_name += "é";
  NameParts parts = kParts;
  parts.product = long_name;
  const std::string stem = StemOf("{product}", parts);
  EXPECT_EQ(stem, long_name.substr(0, 100));
}

TEST(Naming, RefusesTemplatesThatCannotWork) {
  for (const char* text : {"", ".{ext}", "fixed", "{batch}", "a/{row}",
                           "{unknown}", "{row", "{row:x}", "{row:100}"}) {
    auto names = NameTemplate::Parse(text);
    ASSERT_FALSE(names) << text;
    EXPECT_EQ(names.error().code, ErrorCode::kUsage);
  }
}

}  // namespace
}  // namespace imgbatch
