// Random tables and random bytes: what is written is read, and what is read
// goes through unchanged.
#include <random>

#include <gtest/gtest.h>

#include "formats/csv_cells.h"
#include "formats/csv_writer.h"

namespace imgbatch {
namespace {

using Table = std::vector<std::vector<std::string>>;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  size_t Below(size_t limit) { return engine_() % limit; }
  bool OneIn(size_t n) { return Below(n) == 0; }

 private:
  std::mt19937 engine_;
};

struct Style {
  char delimiter;
  std::string line_end;
  bool quotes_all;
  bool last_line_end;
  std::string bom;
};

Style RandomStyle(Random& random) {
  const char delimiters[] = {',', ';', '\t', '|'};
  const char* ends[] = {"\n", "\r\n", "\r"};
  return {delimiters[random.Below(4)], ends[random.Below(3)], random.OneIn(3),
          !random.OneIn(3), random.OneIn(3) ? "\xEF\xBB\xBF" : ""};
}

std::string RandomCell(Random& random) {
  const char* parts[] = {"a",
                         "B7",
                         " ",
                         "\"",
                         ",",
                         ";",
                         "\t",
                         "|",
                         "\n",
                         "\r",
                         "\r\n",
                         "=1+1",
                         "-",
                         "\xC3\xA4",
                         "#",
                         "'",
                         "\xF0\x9F\x8D\xB5",
                         "@"};
  std::string cell;
  for (size_t i = random.Below(5); i > 0; --i) {
    cell += parts[random.Below(std::size(parts))];
  }
  return cell;
}

Table RandomTable(Random& random) {
  Table table{{"id", "image", "note"}};
  for (size_t i = random.Below(6); i > 0; --i) {
    std::string urls;
    for (size_t n = random.Below(4); n > 0; --n) {
      if (!urls.empty()) urls += random.OneIn(2) ? "," : ", ";
      urls += "https://e.com/" + std::to_string(random.Below(100)) + ".jpg";
    }
    table.push_back({RandomCell(random), urls, RandomCell(random)});
  }
  return table;
}

std::string Written(const Table& table, const Style& style, Random& random) {
  std::string text = style.bom;
  for (size_t r = 0; r < table.size(); ++r) {
    for (size_t i = 0; i < table[r].size(); ++i) {
      const std::string& cell = table[r][i];
      if (i > 0) text += style.delimiter;
      const bool quotes =
          style.quotes_all || random.OneIn(4) ||
          cell.find_first_of("\"\r\n,;\t|") != std::string::npos;
      if (quotes) text += '"';
      for (const char c : cell) {
        if (c == '"') text += '"';
        text += c;
      }
      if (quotes) text += '"';
    }
    if (r + 1 < table.size() || style.last_line_end) text += style.line_end;
  }
  return text;
}

Result<std::unique_ptr<CsvRows>> Open(const std::string& text,
                                      const CsvOptions& options) {
  Result<CsvSource> source = CsvSource::OfBytes(text, options.encoding);
  if (!source) return source.error();
  return CsvRows::Of(std::move(*source), options, "in.csv", true);
}

std::string Rewritten(const std::string& text, const CsvOptions& options,
                      const CsvOutputOptions& output, bool* readable) {
  std::string out;
  Result<std::unique_ptr<CsvRows>> rows = Open(text, options);
  *readable = rows.has_value();
  if (!rows) return out;
  Result<std::unique_ptr<CsvRewriter>> rewriter = CsvRewriter::Of(
      std::move(*rows), output, [&](std::string_view piece) -> Result<void> {
        out += piece;
        return {};
      });
  CatalogueRow row;
  while (true) {
    Result<bool> more = (*rewriter)->NextRow(row);
    EXPECT_TRUE(more);
    if (!more || !*more) return out;
    std::vector<std::string> outputs;
    for (size_t i = 0; i < row.urls.size(); ++i) {
      outputs.push_back(row.urls[i].size() % 3 == 0 ? ""
                                                    : "-out/" + row.urls[i]);
    }
    EXPECT_TRUE((*rewriter)->Write(outputs, "=error"));
  }
}

CsvOptions Options(const Style& style) {
  return {.delimiter = std::string(1, style.delimiter),
          .image_columns = "image"};
}

Table Parsed(const std::string& text, const Style& style) {
  Table table;
  Result<std::unique_ptr<CsvRows>> rows = Open(text, Options(style));
  EXPECT_TRUE(rows) << (rows ? "" : rows.error().message) << text;
  if (!rows) return table;
  CsvRow row;
  std::string scratch;
  while (true) {
    Result<bool> more = (*rows)->Next(row);
    if (!more || !*more) return table;
    std::vector<std::string> cells;
    for (const CsvField& field : row.record.fields) {
      cells.emplace_back(FieldText(row.record.raw, field, scratch));
    }
    table.push_back(std::move(cells));
  }
}

TEST(CsvRandom, ReadingGivesWhatWasWritten) {
  for (unsigned seed = 0; seed < 5000; ++seed) {
    Random random(seed);
    const Table table = RandomTable(random);
    const Style style = RandomStyle(random);
    const std::string text = Written(table, style, random);
    ASSERT_EQ(Parsed(text, style), table) << seed << "\n" << text;
  }
}

TEST(CsvRandom, OutputIsTheInputPlusOneCellPerRow) {
  for (unsigned seed = 0; seed < 5000; ++seed) {
    Random random(seed);
    const Table table = RandomTable(random);
    const Style style = RandomStyle(random);
    const std::string text = Written(table, style, random);
    bool readable = false;
    const std::string out = Rewritten(text, Options(style), {}, &readable);
    ASSERT_TRUE(readable);
    Table parsed = Parsed(out, style);
    ASSERT_EQ(parsed.size(), table.size()) << seed << "\n" << text;
    for (std::vector<std::string>& row : parsed) {
      ASSERT_EQ(row.size(), 4u);
      ASSERT_FALSE(BeginsFormula(row.back()));
      row.pop_back();
    }
    ASSERT_EQ(parsed, table) << seed << "\n" << text;
  }
}

TEST(CsvRandom, SpreadsheetsFindNoFormula) {
  for (unsigned seed = 0; seed < 5000; ++seed) {
    Random random(seed);
    const Style style = RandomStyle(random);
    const std::string text = Written(RandomTable(random), style, random);
    bool readable = false;
    const CsvOutputOptions safe{.error_column = true, .spreadsheet_safe = true};
    const std::string out = Rewritten(text, Options(style), safe, &readable);
    for (const std::vector<std::string>& row : Parsed(out, style)) {
      for (const std::string& cell : row) {
        ASSERT_FALSE(BeginsFormula(cell)) << seed << "\n" << out;
      }
    }
  }
}

// Taking the new cells away again gives the very same bytes, for any bytes:
// the concatenated records are the file, and each output line only grows.
TEST(CsvRandom, AnyBytesComeBackUnchangedAroundTheNewCells) {
  const std::string signs("a1,;\"\"\n\r\n\0= \xE4|\t#h", 18);
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    std::string text = "id,image\n";
    for (size_t i = random.Below(60); i > 0; --i) {
      text += random.OneIn(8)
                  ? std::string("https://e.com/x.jpg")
                  : std::string(1, signs[random.Below(signs.size())]);
    }
    Result<std::unique_ptr<CsvRows>> rows =
        Open(text, {.delimiter = ",",
                    .encoding = {},
                    .dialect = {},
                    .image_columns = "image",
                    .allow_file = false});
    ASSERT_TRUE(rows) << text;
    std::string joined((*rows)->preamble());
    CsvRow row;
    while (true) {
      Result<bool> more = (*rows)->Next(row);
      ASSERT_TRUE(more);
      if (!*more) break;
      joined += row.record.raw;
    }
    ASSERT_EQ(joined, text) << seed;
  }
}

}  // namespace
}  // namespace imgbatch
