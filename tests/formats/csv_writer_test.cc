#include "formats/csv_writer.h"

#include <gtest/gtest.h>

#include "formats/csv_catalogue.h"

namespace imgbatch {
namespace {

struct Rewritten {
  std::string text;
  std::vector<std::string> warnings;
};

// The output for `input` when each URL's output is its last path segment,
// without those that hold "bad".
Rewritten Rewrite(const std::string& input, const CsvOptions& options = {},
                  const CsvOutputOptions& output = {}) {
  Rewritten rewritten;
  Result<CsvSource> source = CsvSource::OfBytes(input, options.encoding);
  if (!source) return {"error: " + source.error().message, {}};
  Result<std::unique_ptr<CsvRows>> rows =
      CsvRows::Of(std::move(*source), options, "in.csv", true);
  if (!rows) return {"error: " + rows.error().message, {}};
  Result<std::unique_ptr<CsvRewriter>> rewriter = CsvRewriter::Of(
      std::move(*rows), output, [&](std::string_view piece) -> Result<void> {
        rewritten.text += piece;
        return {};
      });
  CatalogueRow row;
  while (true) {
    Result<bool> more = (*rewriter)->NextRow(row);
    EXPECT_TRUE(more);
    if (!more || !*more) break;
    std::vector<std::string> outputs;
    std::string errors;
    for (const std::string& url : row.urls) {
      const bool bad = url.find("bad") != std::string::npos;
      outputs.push_back(bad ? "" : url.substr(url.rfind('/') + 1));
      if (bad) errors += "http_error";
    }
    EXPECT_TRUE((*rewriter)->Write(outputs, errors));
  }
  rewritten.warnings = (*rewriter)->warnings();
  return rewritten;
}

struct Case {
  const char* name;
  std::string input;
  std::string output;
};

class CsvWriterTable : public testing::TestWithParam<Case> {};

TEST_P(CsvWriterTable, AddsTheColumnAndNothingElse) {
  EXPECT_EQ(Rewrite(GetParam().input).text, GetParam().output);
}

INSTANTIATE_TEST_SUITE_P(
    Inputs, CsvWriterTable,
    testing::Values(
        Case{"QuotedList",
             "S. No.,Product Name,Input Image Urls\n"
             "1.,SKU1,\"https://e.com/a.jpg, https://e.com/b.jpg\"\n",
             "S. No.,Product Name,Input Image Urls,Output Image Urls\n"
             "1.,SKU1,\"https://e.com/a.jpg, "
             "https://e.com/b.jpg\",\"a.jpg,b.jpg\"\n"},
        Case{"CrlfBomAndNoLastLineEnd",
             "\xEF\xBB\xBFSerial Number,Product Name,Input Image Urls\r\n"
             "1,\"A \"\"B\"\"\",https://e.com/a.jpg",
             "\xEF\xBB\xBFSerial Number,Product Name,Input Image Urls,Output "
             "Image Urls\r\n"
             "1,\"A \"\"B\"\"\",https://e.com/a.jpg,a.jpg"},
        Case{"FailedPlacesStayEmpty",
             "Serial Number,Product Name,Input Image Urls\n"
             "1,A,\"https://e.com/bad.jpg,https://e.com/b.jpg\"\n"
             "2,B,https://e.com/bad.jpg\n"
             "3,C,\n",
             "Serial Number,Product Name,Input Image Urls,Output Image Urls\n"
             "1,A,\"https://e.com/bad.jpg,https://e.com/b.jpg\",\",b.jpg\"\n"
             "2,B,https://e.com/bad.jpg,\n"
             "3,C,,\n"},
        Case{"UnquotedOverflow",
             "Serial Number,Product Name,Input Image Urls\n"
             "1,A,https://e.com/a.jpg, https://e.com/b.jpg\n",
             "Serial Number,Product Name,Input Image Urls,Output Image Urls\n"
             "1,A,\"https://e.com/a.jpg, https://e.com/b.jpg\","
             "\"a.jpg,b.jpg\"\n"},
        Case{"MalformedRowsInTheirPlaces",
             "Serial Number,Product Name,Input Image Urls\n"
             "1,A\n"
             "\n"
             "2,\"B\" x,https://e.com/a.jpg\n"
             "3,\"C,https://e.com/a.jpg\n"
             "4,D,https://e.com/d.jpg\n",
             "Serial Number,Product Name,Input Image Urls,Output Image Urls\n"
             "1,A\n"
             "\n"
             "2,\"B\" x,https://e.com/a.jpg\n"
             "3,\"C,https://e.com/a.jpg\n"
             "4,D,https://e.com/d.jpg,d.jpg\n"}),
    [](const auto& test) { return test.param.name; });

TEST(CsvWriter, TrailingEmptyFieldsMakeRoom) {
  EXPECT_EQ(Rewrite("id,image\n1,https://e.com/a.jpg,\n"
                    "2,https://e.com/b.jpg,,\n3,https://e.com/c.jpg\n")
                .text,
            "id,image,Output Image Urls\n1,https://e.com/a.jpg,a.jpg\n"
            "2,https://e.com/b.jpg,b.jpg,\n3,https://e.com/c.jpg,c.jpg\n");
}

TEST(CsvWriter, AnOccupiedNameGetsANumberAndAWarning) {
  const Rewritten rewritten = Rewrite(
      "Input Image Urls,Output Image Urls\nhttps://e.com/a.jpg,old.jpg\n");
  EXPECT_EQ(rewritten.text,
            "Input Image Urls,Output Image Urls,Output Image Urls 2\n"
            "https://e.com/a.jpg,old.jpg,a.jpg\n");
  ASSERT_EQ(rewritten.warnings.size(), 1u);
  EXPECT_EQ(rewritten.warnings[0],
            "the input has a column \"Output Image Urls\" already; the new "
            "one is \"Output Image Urls 2\"");
}

TEST(CsvWriter, EachImageColumnGetsItsOwn) {
  EXPECT_EQ(Rewrite("photo,photo,x\nhttps://e.com/a.jpg,\"https://e.com/b.jpg,"
                    "https://e.com/bad.jpg\",1\n")
                .text,
            "photo,photo,x,photo (output),photo (output) 2\n"
            "https://e.com/a.jpg,\"https://e.com/b.jpg,https://e.com/bad.jpg\","
            "1,a.jpg,\"b.jpg,\"\n");
}

TEST(CsvWriter, TheErrorColumnComesLast) {
  EXPECT_EQ(Rewrite("id,image\n1,https://e.com/bad.jpg\n2,\n", {},
                    {.error_column = true})
                .text,
            "id,image,Output Image Urls,Image Errors\n"
            "1,https://e.com/bad.jpg,,http_error\n2,,,\n");
}

TEST(CsvWriter, SpreadsheetSafeGuardsWhatIsPassedThrough) {
  EXPECT_EQ(Rewrite("id,=image\n-1,https://e.com/a.jpg\n"
                    "\"=1\"\"+1\",https://e.com/b.jpg\n"
                    "@x\n"
                    "+1,\"=a\" b\n",
                    {.image_columns = "2"}, {.spreadsheet_safe = true})
                .text,
            "id,'=image,Output Image Urls\n'-1,https://e.com/a.jpg,a.jpg\n"
            "\"'=1\"\"+1\",https://e.com/b.jpg,b.jpg\n"
            "'@x\n"
            "'+1,\"'=a\" b\n");
}

TEST(CsvWriter, AColumnNamedLikeAFormulaGivesNone) {
  EXPECT_EQ(Rewrite("=a,=b\nhttps://e.com/a.jpg,https://e.com/b.jpg\n",
                    {.image_columns = "1,2"})
                .text,
            "=a,=b,'=a (output),'=b (output)\n"
            "https://e.com/a.jpg,https://e.com/b.jpg,a.jpg,b.jpg\n");
}

TEST(CsvWriter, OverflowInTheFirstColumn) {
  EXPECT_EQ(
      Rewrite("image\nhttps://e.com/a.jpg,\"https://e.com/b.jpg\"\n\n").text,
      "image,Output Image Urls\n"
      "\"https://e.com/a.jpg,\"\"https://e.com/b.jpg\"\"\","
      "\"a.jpg,b.jpg\"\n,\n");
}

TEST(CsvWriter, AMalformedExtraHeaderRowStaysAsItIs) {
  EXPECT_EQ(Rewrite("TemplateType=x\tVersion=1\n\"a\" b\tc\n"
                    "item_sku\tmain_image_url\n1\thttps://e.com/a.jpg\n")
                .text,
            "TemplateType=x\tVersion=1\t\n\"a\" b\tc\n"
            "item_sku\tmain_image_url\tOutput Image Urls\n"
            "1\thttps://e.com/a.jpg\ta.jpg\n");
}

TEST(CsvWriter, UnansweredRowsHaveEmptyPlaces) {
  std::string text;
  Result<CsvSource> source = CsvSource::OfBytes(
      "image\n\"https://e.com/a.jpg https://e.com/b.jpg\"", "");
  Result<std::unique_ptr<CsvRows>> rows =
      CsvRows::Of(std::move(*source), {}, "in.csv", true);
  ASSERT_TRUE(rows);
  Result<std::unique_ptr<CsvRewriter>> rewriter = CsvRewriter::Of(
      std::move(*rows), {}, [&](std::string_view piece) -> Result<void> {
        text += piece;
        return {};
      });
  CatalogueRow row;
  while (*(*rewriter)->NextRow(row)) {
  }
  EXPECT_EQ(text,
            "image,Output Image Urls\n"
            "\"https://e.com/a.jpg https://e.com/b.jpg\",\",\"");
}

TEST(CsvWriter, TheSinksErrorEndsIt) {
  Result<CsvSource> source = CsvSource::OfBytes("image\n", "");
  Result<std::unique_ptr<CsvRows>> rows =
      CsvRows::Of(std::move(*source), {}, "in.csv", true);
  ASSERT_TRUE(rows);
  Result<std::unique_ptr<CsvRewriter>> rewriter = CsvRewriter::Of(
      std::move(*rows), {}, [](std::string_view) -> Result<void> {
        return Error{ErrorCode::kNoSpace, "disk full"};
      });
  CatalogueRow row;
  Result<bool> more = (*rewriter)->NextRow(row);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::kNoSpace);
}

}  // namespace
}  // namespace imgbatch
