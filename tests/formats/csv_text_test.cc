#include "formats/csv_text.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

TEST(CsvText, ValidUtf8EndsAtTheFirstWrongByte) {
  EXPECT_EQ(ValidUtf8("plain"), 5u);
  EXPECT_EQ(ValidUtf8("gr\xC3\xBC\xC3\x9F"), 6u);
  EXPECT_EQ(ValidUtf8("0123456789 \xE4"), 11u);
  EXPECT_EQ(ValidUtf8("\xC0\xAF"), 0u);          // Overlong.
  EXPECT_EQ(ValidUtf8("\xED\xA0\x80"), 0u);      // A surrogate.
  EXPECT_EQ(ValidUtf8("\xF4\x90\x80\x80"), 0u);  // Above U+10FFFF.
  EXPECT_EQ(ValidUtf8("a\xE2\x82"), 1u);         // Cut.
}

TEST(CsvText, Windows1252GoesThereAndBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(Utf8ToWindows1252(Windows1252ToUtf8(all)), all);
  EXPECT_EQ(Windows1252ToUtf8("\x80 \xE4"), "\xE2\x82\xAC \xC3\xA4");
}

TEST(CsvText, WhatWindows1252CannotSayStaysUtf8) {
  EXPECT_EQ(Utf8ToWindows1252("\xC3\xA4 \xE6\xBC\xA2"), "\xE4 \xE6\xBC\xA2");
}

TEST(CsvText, TrimsAllKindsOfBlanks) {
  EXPECT_EQ(TrimCell(" \t\xC2\xA0 a b \xE2\x80\x8B\r\n"), "a b");
  EXPECT_EQ(TrimCell("\xEF\xBB\xBF"), "");
  EXPECT_EQ(TrimCell("\xC3\xA4"), "\xC3\xA4");
}

TEST(CsvText, NormalNamesAreEqualForWhatPeopleType) {
  EXPECT_EQ(NormalName("Input  Image_URLs "), "input image urls");
  EXPECT_EQ(NormalName("\xEF\xBB\xBF*PicURL"), "picurl");
  EXPECT_EQ(NormalName("Name *"), "name");
}

TEST(CsvText, PatternsKnowDigitsAndBeginnings) {
  EXPECT_TRUE(NameMatches("image12", "image#"));
  EXPECT_FALSE(NameMatches("image", "image#"));
  EXPECT_TRUE(NameMatches("image[0].url", "image[#].url"));
  EXPECT_TRUE(NameMatches("action(siteid=us)", "action(*"));
  EXPECT_FALSE(NameMatches("my action(", "action(*"));
  EXPECT_FALSE(NameMatches("images", "image"));
}

TEST(CsvText, EncodingsHaveManySpellings) {
  EXPECT_EQ(EncodingFromName("UTF_8"), CsvEncoding::kUtf8);
  EXPECT_EQ(EncodingFromName("Latin1"), CsvEncoding::kWindows1252);
  EXPECT_EQ(EncodingFromName("ebcdic"), std::nullopt);
}

}  // namespace
}  // namespace imgbatch
