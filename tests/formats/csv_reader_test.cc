#include "formats/csv_reader.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imgbatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Read {
  CsvRecord::Kind kind;
  std::vector<std::string> cells;
  std::string raw;
  int64_t line;
  int64_t offset;
  std::string reason;
};

std::vector<Read> ReadAll(const std::string& text, CsvFormat format = {},
                          CsvLimits limits = {}) {
  std::vector<Read> all;
  Result<CsvSource> source = CsvSource::OfBytes(text, "utf-8");
  if (!source) return all;
  CsvReader reader(*source, format, limits);
  CsvRecord record;
  std::string scratch;
  while (true) {
    Result<bool> more = reader.Next(record);
    EXPECT_TRUE(more);
    if (!more || !*more) break;
    Read read{
        record.kind,        {},           std::string(record.raw), record.line,
        record.byte_offset, record.reason};
    for (const CsvField& field : record.fields) {
      read.cells.emplace_back(FieldText(record.raw, field, scratch));
    }
    all.push_back(read);
  }
  return all;
}

std::vector<std::vector<std::string>> Cells(const std::string& text,
                                            CsvFormat format = {}) {
  std::vector<std::vector<std::string>> cells;
  for (const Read& read : ReadAll(text, format)) cells.push_back(read.cells);
  return cells;
}

using Row = std::vector<std::string>;

struct CellsCase {
  std::string text;
  std::vector<Row> rows;
};

TEST(CsvReader, SplitsAsRfc4180Says) {
  const CellsCase cases[] = {
      {"a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
      {"a,b\r\n1,2", {{"a", "b"}, {"1", "2"}}},
      {"a,b\n\"1,\n2\",3\n", {{"a", "b"}, {"1,\n2", "3"}}},
      {"\"ha \"\"ha\"\" ha\",\"\"\n", {{"ha \"ha\" ha", ""}}},
      {"\"\"\"\"", {{"\""}}},
      {",,\n", {{"", "", ""}}},
      {"a,", {{"a", ""}}},
      {"foo\n1\n", {{"foo"}, {"1"}}},
      {"\n\n", {{""}, {""}}},
      {" a , b \n", {{" a ", " b "}}},
      // Violations that say clearly enough what is meant.
      {"17\" screen,6'2\" tall\n", {{"17\" screen", "6'2\" tall"}}},
      {"\"a\" ,b\n", {{"a", "b"}}},
      {" \"a\",b\n", {{" \"a\"", "b"}}},
      {"a\rb,c\n", {{"a\rb", "c"}}},
      {"a\n\rb\r\n", {{"a"}, {"\rb"}}},
  };
  for (const CellsCase& test : cases) {
    EXPECT_EQ(Cells(test.text), test.rows) << test.text;
  }
}

TEST(CsvReader, CrAloneEndsLinesWhereItMay) {
  const CsvFormat format{.delimiter = ',', .cr_ends = true};
  EXPECT_EQ(Cells("a,b\r1,\"2\r3\"\r\r\n4,5", format),
            (std::vector<Row>{{"a", "b"}, {"1", "2\r3"}, {""}, {"4", "5"}}));
}

TEST(CsvReader, KnowsLinesAndOffsets) {
  const std::vector<Read> all = ReadAll("a,b\r\n\"x\n\ny\",2\n\n3,4");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].line, 2);
  EXPECT_EQ(all[1].offset, 5);
  EXPECT_EQ(all[2].line, 5);
  EXPECT_EQ(all[2].kind, CsvRecord::Kind::kBlank);
  EXPECT_EQ(all[3].line, 6);
  EXPECT_EQ(all[3].offset, 15);
}

TEST(CsvReader, TextAfterAClosingQuoteSpoilsTheRow) {
  const std::vector<Read> all =
      ReadAll("1,\"I missed \" it\",3\n2,b,c\n\"x\" \"y\"\n");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].kind, CsvRecord::Kind::kBad);
  EXPECT_EQ(all[0].reason, "text after a closing quote");
  EXPECT_THAT(all[1].cells, ElementsAre("2", "b", "c"));
  EXPECT_EQ(all[2].kind, CsvRecord::Kind::kBad);
}

TEST(CsvReader, AnUnclosedQuoteCostsItsLineOnly) {
  const std::vector<Read> all = ReadAll("a,b\n1,\"open\r\n2,c\n3,d\n");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].kind, CsvRecord::Kind::kBad);
  EXPECT_EQ(all[1].reason, "the quote opened in line 2 is never closed");
  EXPECT_EQ(all[1].raw, "1,\"open\r\n");
  EXPECT_THAT(all[2].cells, ElementsAre("2", "c"));
  EXPECT_EQ(all[2].line, 3);
  EXPECT_THAT(all[3].cells, ElementsAre("3", "d"));
}

TEST(CsvReader, AQuoteThatMeetsTheNextOneCostsItsLineOnly) {
  const std::vector<Read> all = ReadAll("1,\"open\n2,\"c\"\n3,d\n");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].reason,
            "the quote opened in line 1 ends in line 2, before other text");
  EXPECT_THAT(all[1].cells, ElementsAre("2", "c"));
  EXPECT_THAT(all[2].cells, ElementsAre("3", "d"));
}

TEST(CsvReader, LinesBeforeAnUnclosedQuoteStayWithIt) {
  const std::vector<Read> all = ReadAll("1,\"x\ny\",\"open\n2,c,d\n");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].reason, "the quote opened in line 2 is never closed");
  EXPECT_EQ(all[0].raw, "1,\"x\ny\",\"open\n");
  EXPECT_EQ(all[1].line, 3);
}

TEST(CsvReader, AnUnclosedQuoteDoesNotHideRowsBeyondTheLimit) {
  const CsvLimits limits{.max_record = 1000};
  std::string text = "1,\"open\n";
  for (int i = 0; i < 500; ++i) text += "2,b\n";
  const std::vector<Read> all = ReadAll(text, {}, limits);
  ASSERT_EQ(all.size(), 501u);
  EXPECT_EQ(all[0].reason,
            "the quote opened in line 1 is not closed within 1000 bytes");
  EXPECT_THAT(all[1].cells, ElementsAre("2", "b"));
}

TEST(CsvReader, ALongRowComesInPieces) {
  const CsvLimits limits{.max_record = 1000};
  for (const char* begin : {"", "\""}) {
    const std::string text =
        std::string(begin) + std::string(2500, 'x') + "\n1,2\n";
    const std::vector<Read> all = ReadAll(text, {}, limits);
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[0].reason, "longer than 1000 bytes");
    EXPECT_EQ(all[0].raw.size(), 1000u);
    EXPECT_EQ(all[1].kind, CsvRecord::Kind::kRest);
    EXPECT_EQ(all[2].kind, CsvRecord::Kind::kRest);
    EXPECT_EQ(all[0].raw + all[1].raw + all[2].raw + all[3].raw, text);
    EXPECT_THAT(all[3].cells, ElementsAre("1", "2"));
    EXPECT_EQ(all[3].line, 2);
  }
}

TEST(CsvReader, ARowOfExactlyTheLimitIsFine) {
  const CsvLimits limits{.max_record = 10};
  const std::vector<Read> all =
      ReadAll("1234567890\n12345678901\n", {}, limits);
  EXPECT_EQ(all[0].kind, CsvRecord::Kind::kFields);
  EXPECT_EQ(all[1].kind, CsvRecord::Kind::kBad);
}

TEST(CsvReader, HoldsTheOtherLimits) {
  const CsvLimits limits{.max_field = 5, .max_fields = 3};
  const std::vector<Read> all =
      ReadAll("1,2,3\n1,2,3,4\n123456,2\n1\n", {}, limits);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].reason, "");
  EXPECT_EQ(all[1].reason, "more than 3 fields");
  EXPECT_EQ(all[2].reason, "field 1 is larger than 5 bytes");
  EXPECT_EQ(all[3].reason, "");
}

TEST(CsvReader, NulBytesSpoilTheirRow) {
  const std::string text("a,b\n1\0,2\n3,\"\0\"\n5,6\n", 19);
  const std::vector<Read> all = ReadAll(text);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].reason, "a NUL byte");
  EXPECT_EQ(all[2].reason, "a NUL byte");
  EXPECT_EQ(all[3].reason, "");
}

TEST(CsvReader, PortableAndFastScanAgree) {
  std::mt19937 random(7);
  const std::string_view signs("a,;\"\n\r\0b", 8);
  for (int i = 0; i < 2000; ++i) {
    char block[64];
    for (char& c : block) c = signs[random() % signs.size()];
    EXPECT_EQ(FindSpecials(block, ','), FindSpecialsPortably(block, ','));
    EXPECT_EQ(FindSpecials(block, ';'), FindSpecialsPortably(block, ';'));
  }
}

TEST(CsvReader, PiecesOfTheFileDoNotMatter) {
  // Longer than any buffer at first; records straddle every boundary.
  std::mt19937 random(11);
  std::string text;
  std::vector<Row> rows;
  while (text.size() < 3'000'000) {
    Row row;
    for (int i = 0; i < 3; ++i) {
      std::string cell(random() % 300, 'x');
      if (random() % 3 == 0) cell += "\r\n,\"";
      row.push_back(cell);
      text += i > 0 ? ",\"" : "\"";
      for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
      text += '"';
    }
    text += random() % 2 == 0 ? "\r\n" : "\n";
    rows.push_back(row);
  }
  EXPECT_EQ(Cells(text), rows);
}

}  // namespace
}  // namespace imgbatch
