#include "formats/csv_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imgbatch {
namespace {

using testing::ElementsAre;

struct SplitCase {
  std::string_view cell;
  std::vector<std::string> urls;
};

TEST(CsvCells, SplitsOnlyWhereASchemeFollows) {
  const SplitCase cases[] = {
      {"", {}},
      {"  ", {}},
      {"https://e.com/a.jpg", {"https://e.com/a.jpg"}},
      {"https://e.com/a.jpg,https://e.com/b.jpg",
       {"https://e.com/a.jpg", "https://e.com/b.jpg"}},
      {"https://e.com/a.jpg, https://e.com/b.jpg",
       {"https://e.com/a.jpg", "https://e.com/b.jpg"}},
      {"https://e.com/a.jpg | http://e.com/b.jpg;//e.com/c.jpg",
       {"https://e.com/a.jpg", "http://e.com/b.jpg", "//e.com/c.jpg"}},
      {"https://e.com/a.jpg\nhttps://e.com/b.jpg\r\n",
       {"https://e.com/a.jpg", "https://e.com/b.jpg"}},
      // Commas, bars and semicolons of the URLs themselves.
      {"https://e.com/w_300,h_300,c_fill/a.jpg,https://e.com/b?x=1;y=2|3",
       {"https://e.com/w_300,h_300,c_fill/a.jpg", "https://e.com/b?x=1;y=2|3"}},
      {"https://e.com/a b.jpg", {"https://e.com/a b.jpg"}},
      // What broken exports leave around them.
      {"\"https://e.com/a.jpg\", 'https://e.com/b.jpg'",
       {"https://e.com/a.jpg", "https://e.com/b.jpg"}},
      {",https://e.com/a.jpg,,https://e.com/b.jpg,",
       {"https://e.com/a.jpg", "https://e.com/b.jpg"}},
      {"\xC2\xA0https://e.com/a.jpg\xE2\x80\x8B", {"https://e.com/a.jpg"}},
      // Judged later, but a place of its own.
      {"https://e.com/a.jpg,ftp://e.com/b.jpg",
       {"https://e.com/a.jpg", "ftp://e.com/b.jpg"}},
      {"n/a", {"n/a"}},
      {"see https://e.com/a.jpg", {"see", "https://e.com/a.jpg"}},
      {"/b/a/x.jpg,/b/a/y.jpg", {"/b/a/x.jpg,/b/a/y.jpg"}},
      {"https://e.com/a.jpg ! alt : Mug | https://e.com/b.jpg ! alt : Cup",
       {"https://e.com/a.jpg", "https://e.com/b.jpg"}},
  };
  for (const SplitCase& test : cases) {
    EXPECT_EQ(SplitImageCell(test.cell, false).urls, test.urls) << test.cell;
  }
}

TEST(CsvCells, SplitsPathsWhenAsked) {
  EXPECT_THAT(SplitImageCell("/b/a/x.jpg,/b/a/y z.jpg", true).urls,
              ElementsAre("/b/a/x.jpg", "/b/a/y z.jpg"));
  EXPECT_THAT(
      SplitImageCell("https://e.com/a,b.jpg,https://e.com/c.jpg", true).urls,
      ElementsAre("https://e.com/a,b.jpg", "https://e.com/c.jpg"));
}

TEST(CsvCells, ReadsJson) {
  EXPECT_THAT(SplitImageCell(R"(["https://e.com/a,b.jpg", "x"])", false).urls,
              ElementsAre("https://e.com/a,b.jpg", "x"));
  EXPECT_THAT(
      SplitImageCell(R"([{"tag":["t"],"url":"u1"},{"src":"u2"}])", false).urls,
      ElementsAre("u1", "u2"));
  EXPECT_THAT(SplitImageCell(R"({"url":"u"})", false).urls, ElementsAre("u"));
  EXPECT_TRUE(SplitImageCell("[]", false).is_json);
}

TEST(CsvCells, WhatOnlyLooksLikeJsonIsAList) {
  const ImageCell cell = SplitImageCell("[https://e.com/a.jpg", false);
  EXPECT_FALSE(cell.is_json);
  const std::string deep(100'000, '[');
  EXPECT_FALSE(SplitImageCell(deep, false).is_json);
}

TEST(CsvCells, AnswersInKind) {
  const std::vector<std::string> outputs{"a.jpg", "", "c.jpg"};
  EXPECT_EQ(ListCell(outputs), "a.jpg,,c.jpg");
  EXPECT_EQ(ListCell({}), "");
  EXPECT_EQ(JsonCell(R"([{"url":"u1","tag":["t"]}, "u2"])", outputs),
            R"([{"url":"a.jpg","tag":["t"]},""])");
}

TEST(CsvCells, OutputsNeverBeginAFormula) {
  for (const char* path : {"=dir/a.jpg", "+a.jpg", "-a.jpg", "@a.jpg"}) {
    const std::vector<std::string> outputs{path, path};
    EXPECT_FALSE(BeginsFormula(ListCell(outputs))) << path;
  }
}

TEST(CsvCells, KnowsPictureUrls) {
  EXPECT_TRUE(LooksLikeImageUrl("HTTPS://e.com/A.JPG?v=1"));
  EXPECT_TRUE(LooksLikeImageUrl("//e.com/a.webp"));
  EXPECT_FALSE(LooksLikeImageUrl("https://e.com/product"));
  EXPECT_TRUE(LooksLikeUrl("https://e.com/product"));
  EXPECT_FALSE(LooksLikeUrl("ftp://e.com/a.jpg"));
}

}  // namespace
}  // namespace imgbatch
