#include "formats/csv_detect.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/csv_cells.h"
#include "formats/csv_columns.h"
#include "formats/csv_dialects.h"

namespace imgbatch {
namespace {

constexpr size_t kSampleRecords = 200;
// A header stands within the first rows, or there is none.
constexpr size_t kHeaderWithin = 10;
constexpr std::array<char, 4> kDelimiters{',', ';', '\t', '|'};

std::string_view Line(std::string_view text) {
  const size_t end = text.find_first_of("\r\n");
  return text.substr(0, end);
}

// With its line end.
size_t LineLength(std::string_view text) {
  size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos) return text.size();
  if (text.substr(end).starts_with("\r\n")) ++end;
  return end + 1;
}

// "sep=;" as Excel writes and reads it: the delimiter.
std::optional<char> SepLine(std::string_view line) {
  if (line.size() >= 2 && line.front() == '"' && line.back() == '"') {
    line = line.substr(1, line.size() - 2);
  }
  if (line.size() != 5) return std::nullopt;
  if (NormalName(line.substr(0, 4)) != "sep=") return std::nullopt;
  return line[4];
}

// Eats what precedes the table: a sep= line, comments, empty lines. A line
// that begins with "#" is a header when that is all its first cell says, or
// when it names an image column.
size_t Preamble(std::string_view text, char delimiter) {
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view line = Line(text.substr(at));
    const bool sep = at == 0 && SepLine(line).has_value();
    if (!line.empty() && !sep && !line.starts_with('#')) break;
    if (line.starts_with('#')) {
      const std::string_view first = line.substr(0, line.find(delimiter));
      if (first.size() < line.size()) {
        if (TrimCell(first) == "#") break;
        bool header = line.find("://") == std::string_view::npos &&
                      line.find('=') == std::string_view::npos;
        bool image = false;
        size_t begin = 1;
        while (begin <= line.size()) {
          const size_t end = std::min(line.find(delimiter, begin), line.size());
          if (IsImageName(NormalName(line.substr(begin, end - begin)))) {
            image = true;
          }
          begin = end + 1;
        }
        if (header && image) break;
      }
    }
    at += LineLength(text.substr(at));
  }
  // Nothing but empty lines is a table of them.
  return text.find_first_not_of("\r\n") == std::string_view::npos ? 0 : at;
}

// CR alone ends lines when it ends the first one.
bool CrEnds(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '\n') return false;
    if (text[i] == '\r') return !text.substr(i + 1).starts_with('\n');
  }
  return false;
}

struct SampleRow {
  int64_t line = 0;
  bool blank = false;
  bool bad = false;
  std::string reason;              // Of a bad one.
  std::vector<std::string> cells;  // UTF-8.
};

// The beginning of the table under one delimiter.
struct Sample {
  size_t preamble = 0;
  std::vector<SampleRow> rows;
  bool quotes_all = false;
  CsvLineEnds line_ends;

  // How many of `columns` there are in most rows.
  size_t modal_width = 0;
  double modal_share = 0;
  // The header, when a dialect knows it.
  const Dialect* dialect = nullptr;
  std::string why;
  size_t header = 0;  // Of rows.
};

std::vector<std::string> NormalNames(const std::vector<std::string>& cells) {
  std::vector<std::string> names;
  names.reserve(cells.size());
  for (const std::string& cell : cells) names.push_back(NormalName(cell));
  return names;
}

void ReadRows(std::string_view text, bool whole, CsvFormat format,
              const CsvProfile& profile, Sample& sample) {
  Result<CsvSource> source = CsvSource::OfBytes(
      std::string(text), Name(profile.encoding == CsvEncoding::kWindows1252
                                  ? CsvEncoding::kWindows1252
                                  : CsvEncoding::kUtf8));
  if (!source) return;
  CsvReader reader(*source, format);
  CsvRecord record;
  std::string scratch;
  sample.quotes_all = true;
  size_t quoted = 0;
  while (sample.rows.size() < kSampleRecords) {
    Result<bool> more = reader.Next(record);
    if (!more || !*more) break;
    // The last one of an incomplete sample may be cut.
    const auto end =
        static_cast<size_t>(record.byte_offset) + record.raw.size();
    if (end == text.size() && !whole && !sample.rows.empty()) break;
    if (record.kind == CsvRecord::Kind::kRest) continue;
    SampleRow row;
    row.line = record.line;
    row.blank = record.kind == CsvRecord::Kind::kBlank;
    row.bad = record.kind == CsvRecord::Kind::kBad;
    row.reason = record.reason;
    for (const CsvField& field : record.fields) {
      row.cells.push_back(
          CsvTextToUtf8(FieldText(record.raw, field, scratch), profile));
      if (row.blank || row.bad) continue;
      if (field.quoted) {
        ++quoted;
      } else {
        sample.quotes_all = false;
      }
    }
    sample.rows.push_back(std::move(row));
  }
  sample.quotes_all = sample.quotes_all && quoted > 0;
  sample.line_ends = reader.line_ends();
}

void JudgeWidths(Sample& sample) {
  std::map<size_t, size_t> widths;
  size_t rows = 0;
  for (const SampleRow& row : sample.rows) {
    if (row.blank) continue;
    ++rows;
    if (!row.bad) ++widths[row.cells.size()];
  }
  size_t best = 0;
  for (const auto& [width, count] : widths) {
    if (width < 2 || count < best) continue;
    best = count;
    sample.modal_width = width;
  }
  if (rows > 0) {
    sample.modal_share = static_cast<double>(best) / static_cast<double>(rows);
  }
}

void JudgeHeader(Sample& sample, const Dialect* forced) {
  int best = 0;
  const size_t rows = std::min(sample.rows.size(), kHeaderWithin);
  for (size_t i = 0; i < rows; ++i) {
    const SampleRow& row = sample.rows[i];
    if (row.blank || row.bad) continue;
    const std::vector<std::string> names = NormalNames(row.cells);
    for (const Dialect& dialect : Dialects()) {
      if (forced != nullptr && forced != &dialect) continue;
      std::string why;
      const int score = DialectScore(dialect, names, &why);
      if (score <= best) continue;
      best = score;
      sample.dialect = &dialect;
      sample.why = why;
      sample.header = i;
    }
  }
}

Sample SampleUnder(char delimiter, std::string_view text, bool whole,
                   const CsvProfile& profile, const Dialect* forced,
                   bool judge_dialect) {
  Sample sample;
  sample.preamble = Preamble(text, delimiter);
  CsvFormat format = profile.format;
  format.delimiter = delimiter;
  ReadRows(text.substr(sample.preamble), whole, format, profile, sample);
  JudgeWidths(sample);
  if (judge_dialect) JudgeHeader(sample, forced);
  // Lines are counted from the file's beginning.
  int64_t before = 0;
  for (size_t at = 0; at < sample.preamble;) {
    at += LineLength(text.substr(at));
    ++before;
  }
  for (SampleRow& row : sample.rows) row.line += before;
  return sample;
}

// A header that a dialect knows beats any regularity: lists of images make
// rows of one width by chance.
double Score(const Sample& sample) {
  double score = sample.modal_share;
  if (sample.dialect != nullptr) score += 4;
  if (!sample.rows.empty()) {
    const SampleRow& first = sample.rows.front();
    if (first.cells.size() == sample.modal_width) score += 0.25;
    for (const std::string& name : NormalNames(first.cells)) {
      if (first.cells.size() > 1 && IsImageName(name)) {
        score += 1;
        break;
      }
    }
  }
  return score;
}

Result<std::optional<char>> DelimiterOption(const std::string& option) {
  if (option.empty()) return std::optional<char>();
  const std::string name = NormalName(option);
  if (option == "\t" || name == "tab" || option == "\\t") return {'\t'};
  if (name == "comma") return {','};
  if (name == "semicolon") return {';'};
  if (name == "pipe" || name == "bar") return {'|'};
  const char c = option.front();
  const bool letter_or_digit = (c >= 'a' && c <= 'z') ||
                               (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  if (option.size() == 1 && c > ' ' && c < 0x7F && c != '"' &&
      !letter_or_digit) {
    return {c};
  }
  return Error{ErrorCode::kUsage,
               fmt::format("unknown delimiter \"{}\"; type one sign, or comma, "
                           "semicolon, tab or pipe",
                           option)};
}

CsvLineEnd LineEndOf(const CsvLineEnds& ends) {
  const int kinds = (ends.lf > 0) + (ends.crlf > 0) + (ends.cr > 0);
  if (kinds == 0) return CsvLineEnd::kNone;
  if (kinds > 1) return CsvLineEnd::kMixed;
  if (ends.lf > 0) return CsvLineEnd::kLf;
  return ends.crlf > 0 ? CsvLineEnd::kCrlf : CsvLineEnd::kCr;
}

bool HasUrl(const SampleRow& row) {
  return std::any_of(row.cells.begin(), row.cells.end(),
                     [](const std::string& cell) {
                       const ImageCell urls = SplitImageCell(cell, false);
                       return !urls.urls.empty() && LooksLikeUrl(urls.urls[0]);
                     });
}

// Amazon's files say themselves which row is which; without it three rows.
size_t AmazonHeader(const std::string& first_cell) {
  const size_t at = first_cell.find("attributeRow=");
  if (at == std::string::npos) return 2;
  const char digit = first_cell.size() > at + 13 ? first_cell[at + 13] : '3';
  return digit >= '1' && digit <= '9' ? static_cast<size_t>(digit - '1') : 2;
}

bool IsAmazon(const SampleRow& row) {
  return !row.cells.empty() && (row.cells[0].starts_with("TemplateType=") ||
                                row.cells[0].starts_with("settings="));
}

}  // namespace

std::string_view Name(CsvLineEnd line_end) {
  constexpr std::array<std::string_view, 5> kNames{"none", "lf", "crlf", "cr",
                                                   "mixed"};
  return kNames[static_cast<size_t>(line_end)];
}

std::string EncodingLabel(const CsvProfile& profile) {
  std::string label(Name(profile.encoding));
  if (profile.bom && profile.encoding == CsvEncoding::kUtf8) label += "-bom";
  return label;
}

std::string CsvTextToUtf8(std::string_view text, const CsvProfile& profile) {
  if (profile.encoding == CsvEncoding::kWindows1252) {
    return Windows1252ToUtf8(text);
  }
  if (ValidUtf8(text) == text.size()) return std::string(text);
  if (profile.encoding == CsvEncoding::kUtf8 && profile.encoding_guessed) {
    return Windows1252ToUtf8(text);
  }
  return ReplaceInvalidUtf8(text);
}

Result<CsvProfile> DetectCsv(std::string_view sample_text, bool whole,
                             const CsvSource& source, const CsvOptions& options,
                             std::string_view file) {
  CsvProfile profile;
  profile.encoding = source.encoding();
  profile.bom = source.bom_size() > 0;
  profile.encoding_guessed = source.encoding_guessed();
  profile.allow_file = options.allow_file;
  profile.format.cr_ends = CrEnds(sample_text);

  const bool generic = options.dialect == "generic";
  const Dialect* forced = nullptr;
  if (!options.dialect.empty() && !generic) {
    forced = DialectNamed(options.dialect);
    if (forced == nullptr) {
      std::vector<std::string_view> names;
      for (const Dialect& dialect : Dialects()) names.push_back(dialect.name);
      return Error{
          ErrorCode::kUsage,
          fmt::format("unknown dialect \"{}\"; type one of {}, generic",
                      options.dialect, fmt::join(names, ", "))};
    }
  }
  Result<std::optional<char>> wanted = DelimiterOption(options.delimiter);
  if (!wanted) return wanted.error();
  std::optional<char> delimiter = *wanted;
  if (!delimiter.has_value()) delimiter = SepLine(Line(sample_text));

  Sample best;
  if (delimiter.has_value()) {
    best =
        SampleUnder(*delimiter, sample_text, whole, profile, forced, !generic);
    profile.format.delimiter = *delimiter;
  } else {
    double best_score = -1;
    for (const char candidate : kDelimiters) {
      Sample sample =
          SampleUnder(candidate, sample_text, whole, profile, forced, !generic);
      const double score = Score(sample);
      if (score <= best_score) continue;
      best_score = score;
      best = std::move(sample);
      profile.format.delimiter = candidate;
    }
  }
  profile.quotes_all = best.quotes_all;
  profile.line_end = LineEndOf(best.line_ends);
  profile.preamble = best.preamble;

  // The header: where the dialect knows it, else the first row; Amazon's
  // first rows belong to it.
  std::vector<SampleRow>& rows = best.rows;
  if (forced != nullptr && best.dialect == nullptr) {
    return Error{ErrorCode::kInput,
                 fmt::format("{} has no header of the dialect {}; leave out "
                             "--dialect, or see imgbatch inspect {}",
                             file, forced->name, file)};
  }
  size_t first_data = 0;
  std::vector<std::string> header;
  if (!rows.empty()) {
    size_t last = best.dialect != nullptr ? best.header : 0;
    size_t first = last;
    if (IsAmazon(rows[0])) {
      first = 0;
      last = std::min(std::max(last, AmazonHeader(rows[0].cells[0])),
                      rows.size() - 1);
    }
    if (rows[last].bad) {
      profile.image_error =
          Error{ErrorCode::kInput,
                fmt::format("the header of {} in line {} cannot be read: {}",
                            file, rows[last].line, rows[last].reason)};
    }
    const bool known = best.dialect != nullptr || IsAmazon(rows[0]);
    if (!rows[last].bad && (known || !HasUrl(rows[last]))) {
      // Rows before it are titles: they belong to the preamble.
      if (first > 0) {
        std::string_view text = sample_text;
        int64_t line = 1;
        size_t at = 0;
        while (line < rows[first].line && at < text.size()) {
          at += LineLength(text.substr(at));
          ++line;
        }
        profile.preamble = at;
      }
      for (size_t i = first; i <= last; ++i) {
        const bool alone = rows[last].cells.size() == 1;
        if (rows[i].blank && !alone) continue;
        profile.header_lines.push_back(rows[i].line);
      }
      header = rows[last].cells;
      first_data = last + 1;
      profile.columns = header;
    } else {
      const size_t width = best.modal_width > 0 ? best.modal_width : 1;
      for (size_t i = 0; i < width; ++i) {
        profile.columns.push_back(fmt::format("column {}", i + 1));
      }
      if (!rows[last].bad) {
        profile.warnings.push_back(
            "the first row holds a URL, so there is no header row");
      }
    }
  }
  profile.dialect = best.dialect != nullptr ? best.dialect->name : "generic";
  profile.why = best.dialect != nullptr ? "columns " + best.why
                : generic               ? "asked for"
                                        : "no known header";

  ColumnSample columns;
  columns.names = profile.columns;
  for (size_t i = first_data; i < rows.size(); ++i) {
    if (!rows[i].blank && !rows[i].bad) {
      columns.rows.push_back(std::move(rows[i].cells));
    }
  }
  if (!profile.image_error.has_value()) {
    ChooseColumns(columns, best.dialect, options.image_columns, file, profile);
  }
  return profile;
}

}  // namespace imgbatch
