#include "formats/csv_detect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/csv_rows.h"

namespace imgbatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<std::unique_ptr<CsvRows>> Open(const std::string& text,
                                      const CsvOptions& options = {},
                                      bool need_images = true) {
  Result<CsvSource> source = CsvSource::OfBytes(text, options.encoding);
  if (!source) return source.error();
  return CsvRows::Of(std::move(*source), options, "in.csv", need_images);
}

CsvProfile Detect(const std::string& text, const CsvOptions& options = {}) {
  Result<std::unique_ptr<CsvRows>> rows = Open(text, options, false);
  EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
  return rows ? (*rows)->profile() : CsvProfile{};
}

Error Refusal(const std::string& text, const CsvOptions& options = {}) {
  Result<std::unique_ptr<CsvRows>> rows = Open(text, options);
  EXPECT_FALSE(rows);
  return rows ? Error{} : rows.error();
}

struct DelimiterCase {
  const char* text;
  char delimiter;
};

TEST(CsvDetect, FindsTheDelimiter) {
  const DelimiterCase cases[] = {
      {"a,b\n1,2\n", ','},
      {"a;b;c\n1,5;2,5;3,5\n1,6;2,6;3,6\n", ';'},
      {"a\tb\n\"1,2,3\"\t2\n", '\t'},
      {"a|b|c\n1|2|3\n", '|'},
      {"one\ntwo\n", ','},
      {"sep=|\na|b\n", '|'},
      {"\"sep=;\"\na,b;c\n", ';'},
      {"*Action(SiteID=US|Country=US),Title,PicURL\n"
       "A,B,https://e.com/1.jpg|https://e.com/2.jpg|https://e.com/3.jpg\n",
       ','},
      {"Product ID;Name *;Image URLs (x,y,z...)\n"
       "1;Cup;https://e.com/1.jpg,https://e.com/2.jpg,https://e.com/3.jpg\n",
       ';'},
  };
  for (const DelimiterCase& test : cases) {
    EXPECT_EQ(Detect(test.text).format.delimiter, test.delimiter) << test.text;
  }
  EXPECT_EQ(Detect("a,b;c\n1,2;3\n", {.delimiter = ";"}).columns.size(), 2u);
  EXPECT_EQ(Detect("a,b\tc\n", {.delimiter = "tab"}).columns.size(), 2u);
  EXPECT_EQ(Refusal("a,b\n", {.delimiter = "xy"}).code, ErrorCode::kUsage);
  EXPECT_EQ(Refusal("a,b\n", {.delimiter = "\""}).code, ErrorCode::kUsage);
}

struct ImageCase {
  const char* text;
  std::vector<size_t> columns;
  const char* by;
};

TEST(CsvDetect, FindsTheImageColumns) {
  const ImageCase cases[] = {
      {"Handle,Image Src,Image Position\nx,https://e.com/a.jpg,1\n",
       {1},
       "dialect"},
      {"id,titel,bild_1,bild_2\n1,T,https://e.com/a.jpg,\n", {2, 3}, "name"},
      {"id,imageUrl,imageAltText\n1,https://e.com/a,A cup\n", {1}, "name"},
      {"sku,image,image alt\n", {1}, "name"},
      {"sku,where\n1,https://e.com/a.jpg\n2,\n", {1}, "content"},
      {"sku,page,where\n1,https://e.com/p,https://e.com/a.jpg\n",
       {2},
       "content"},
      {"sku,file 1,file 2\n1,https://e.com/a.jpg,https://e.com/b.jpg\n",
       {1, 2},
       "content"},
      {"1,https://e.com/a.jpg\n", {1}, "content"},
      // A column of names is none of URLs, whatever it is called.
      {"sku,image,url\n1,cup.jpg,https://e.com/a.jpg\n", {2}, "content"},
      // Our own columns are not the input of another run.
      {"Input Image Urls,Output Image Urls\nhttps://e.com/a.jpg,\n",
       {0},
       "dialect"},
      {"photo,photo (output)\nhttps://e.com/a.jpg,https://e.com/b.jpg\n",
       {0},
       "name"},
  };
  for (const ImageCase& test : cases) {
    const CsvProfile profile = Detect(test.text);
    EXPECT_EQ(profile.image_columns, test.columns) << test.text;
    EXPECT_EQ(profile.image_columns_by, test.by) << test.text;
  }
}

TEST(CsvDetect, TheFlagNamesImageColumns) {
  const std::string text = "a,\"b, c\",d\n1,2,3\n";
  EXPECT_THAT(Detect(text, {.image_columns = "D,A"}).image_columns,
              ElementsAre(0, 2));
  EXPECT_THAT(Detect(text, {.image_columns = "b, c"}).image_columns,
              ElementsAre(1));
  EXPECT_THAT(Detect(text, {.image_columns = "3"}).image_columns,
              ElementsAre(2));
  const Error error = Refusal(text, {.image_columns = "x"});
  EXPECT_EQ(error.code, ErrorCode::kInput);
  EXPECT_EQ(error.message,
            "no column \"x\" in in.csv\n  columns here: a, b, c, d");
}

TEST(CsvDetect, SaysWhatToTypeWhenItIsAmbiguous) {
  const Error error =
      Refusal("id,front,back\n1,https://e.com/a.jpg,https://e.com/b.jpg\n");
  EXPECT_EQ(error.code, ErrorCode::kInput);
  EXPECT_EQ(error.message,
            "2 columns of in.csv hold URLs and no name says which are images\n"
            "  columns here: id, front, back\n"
            "  hint: name them → imgbatch run in.csv --image-columns "
            "front,back");
}

TEST(CsvDetect, SaysWhatToTypeWhenThereIsNoImageColumn) {
  const Error error = Refusal("id,titel\n1,Tasse\n");
  EXPECT_EQ(error.code, ErrorCode::kInput);
  EXPECT_EQ(error.message,
            "no image column found in in.csv\n"
            "  looked for: \"Image Src\", \"Images\", \"image_link\", \"Input "
            "Image Urls\", …\n"
            "  columns here: id, titel\n"
            "  hint: no cell of the first rows holds a URL");
  EXPECT_THAT(Refusal("id,where\n1,a\n2,https://e.com/a.jpg\n").message,
              HasSubstr("--image-columns where"));
  EXPECT_THAT(Refusal("id,image\n1,cup.jpg\n").message,
              HasSubstr("--allow-file"));
}

struct HeaderCase {
  const char* text;
  std::vector<int64_t> lines;
};

TEST(CsvDetect, FindsTheHeader) {
  const HeaderCase cases[] = {
      {"a,b\n1,2\n", {1}},
      {"\n\na,b\n1,2\n", {3}},
      {"# made by x\n# y, z\nid,image\n", {3}},
      {"#,name,image\n1,Cup,https://e.com/a.jpg\n", {1}},
      {"#id,name,image_link\n1,Cup,https://e.com/a.jpg\n", {1}},
      {"sep=,\na,b\n", {2}},
      {"TemplateType=x\tVersion=1\nA\tB\nitem_sku\tmain_image_url\n",
       {1, 2, 3}},
      // Title rows before a header that is known.
      {"Our catalogue,,\n,,\nHandle,Title,Image Src\n", {3}},
      {"1,https://e.com/a.jpg\n", {}},
  };
  for (const HeaderCase& test : cases) {
    EXPECT_EQ(Detect(test.text).header_lines, test.lines) << test.text;
  }
}

TEST(CsvDetect, AnUnreadableHeaderIsAnError) {
  const Error error = Refusal("\"a\" x,b\n1,2\n");
  EXPECT_EQ(error.code, ErrorCode::kInput);
  EXPECT_THAT(error.message, HasSubstr("line 1"));
}

TEST(CsvDetect, DialectsCanBeForced) {
  EXPECT_EQ(Detect("Handle,Image Src\n").dialect, "shopify-legacy");
  EXPECT_EQ(Detect("Handle,Image Src\n", {.dialect = "generic"}).dialect,
            "generic");
  EXPECT_EQ(Refusal("a,b\n", {.dialect = "shopify"}).code, ErrorCode::kInput);
  EXPECT_EQ(Refusal("a,b\n", {.dialect = "nosuch"}).code, ErrorCode::kUsage);
}

TEST(CsvDetect, AHeaderAloneIsFine) {
  Result<std::unique_ptr<CsvRows>> rows = Open("Product Name,Input Image Urls");
  ASSERT_TRUE(rows);
  CsvRow row;
  Result<bool> more = (*rows)->Next(row);
  ASSERT_TRUE(more && *more);
  EXPECT_EQ(row.role, CsvRole::kHeader);
  more = (*rows)->Next(row);
  EXPECT_TRUE(more && !*more);
}

TEST(CsvRowsTest, ContinuationRowsTakeTheirGroupsName) {
  Result<std::unique_ptr<CsvRows>> rows = Open(
      "Handle,Title,Image Src\n"
      "cup,A cup,https://e.com/1.jpg\n"
      "cup,,https://e.com/2.jpg\n"
      "pot,A pot,https://e.com/3.jpg\n"
      "cup,,https://e.com/4.jpg\n"
      "mug,,https://e.com/5.jpg\n");
  ASSERT_TRUE(rows);
  std::vector<std::string> products;
  CsvRow row;
  while (true) {
    Result<bool> more = (*rows)->Next(row);
    if (!more || !*more) break;
    if (row.role == CsvRole::kData) products.push_back(row.content.product);
  }
  EXPECT_THAT(products, ElementsAre("A cup", "A cup", "A pot", "A cup", "mug"));
}

}  // namespace
}  // namespace imgbatch
