#include "formats/csv_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "formats/csv_cells.h"
#include "formats/csv_text.h"

namespace imgbatch {
namespace {

constexpr size_t kPiece = size_t{256} << 10;

// "Output Image Urls", or the first of "Output Image Urls 2", 3 … that is not
// there already.
std::string FreeName(const std::string& wanted,
                     std::vector<std::string>& taken) {
  std::string name = wanted;
  for (int n = 2;
       std::find(taken.begin(), taken.end(), NormalName(name)) != taken.end();
       ++n) {
    name = fmt::format("{} {}", wanted, n);
  }
  taken.push_back(NormalName(name));
  return name;
}

}  // namespace

Result<std::unique_ptr<CsvRewriter>> CsvRewriter::Open(
    const std::string& path, const CsvOptions& options,
    const CsvOutputOptions& output, Sink sink) {
  Result<std::unique_ptr<CsvRows>> rows =
      CsvRows::Open(path, options, /*need_images=*/true);
  if (!rows) return rows.error();
  return Of(std::move(*rows), output, std::move(sink));
}

Result<std::unique_ptr<CsvRewriter>> CsvRewriter::Of(
    std::unique_ptr<CsvRows> rows, const CsvOutputOptions& output, Sink sink) {
  return std::unique_ptr<CsvRewriter>(
      new CsvRewriter(std::move(rows), output, std::move(sink)));
}

CsvRewriter::CsvRewriter(std::unique_ptr<CsvRows> rows,
                         const CsvOutputOptions& output, Sink sink)
    : rows_(std::move(rows)), output_(output), sink_(std::move(sink)) {
  NameColumns();
  // The mark is not part of the text.
  const bool marked = rows_->source().bom_size() > 0;
  if (marked) AppendUtf8(0xFEFF, text_);
  text_ += rows_->preamble();
}

void CsvRewriter::NameColumns() {
  std::vector<std::string> taken;
  for (const std::string& name : profile().columns) {
    taken.push_back(NormalName(name));
  }
  const auto add = [&](std::string name) {
    const std::string free = FreeName(name, taken);
    if (free != name && !profile().header_lines.empty()) {
      warnings_.push_back(fmt::format(
          "the input has a column \"{}\" already; the new one is \"{}\"", name,
          free));
    }
    names_.push_back(free);
  };
  if (profile().image_columns.size() == 1) {
    add("Output Image Urls");
  } else {
    for (const size_t column : profile().image_columns) {
      add(profile().columns[column] + " (output)");
    }
  }
  if (output_.error_column) add("Image Errors");
}

Result<bool> CsvRewriter::NextRow(CatalogueRow& row) {
  if (unanswered_) {
    Result<void> written = Write({}, {});
    if (!written) return written.error();
  }
  while (true) {
    Result<bool> more = rows_->Next(row_);
    if (!more) return more;
    if (!*more) break;
    switch (row_.role) {
      case CsvRole::kPass:
        AppendGuarded(row_.record.raw);
        break;
      case CsvRole::kExtraHeader:
        Append(std::vector<std::string>(names_.size(), Cell("")));
        break;
      case CsvRole::kHeader: {
        std::vector<std::string> cells;
        for (const std::string& name : names_) {
          cells.push_back(Cell(BeginsFormula(name) ? "'" + name : name));
        }
        Append(cells);
        break;
      }
      case CsvRole::kData:
        unanswered_ = true;
        row = row_.content;
        return true;
      case CsvRole::kBad: {
        AppendGuarded(row_.record.raw);
        row = row_.content;
        Result<void> flushed = Flush(kPiece);
        if (!flushed) return flushed.error();
        return true;
      }
    }
    Result<void> flushed = Flush(kPiece);
    if (!flushed) return flushed.error();
  }
  Result<void> flushed = Flush(0);
  if (!flushed) return flushed.error();
  return false;
}

Result<void> CsvRewriter::Write(std::span<const std::string> outputs,
                                std::string_view errors) {
  if (!unanswered_) return {};
  unanswered_ = false;
  std::vector<std::string> cells;
  std::vector<std::string> places(row_.content.urls.size());
  std::copy_n(outputs.begin(), std::min(outputs.size(), places.size()),
              places.begin());
  size_t first = 0;
  for (size_t i = 0; i < row_.url_counts.size(); ++i) {
    const std::span<const std::string> mine(places.data() + first,
                                            row_.url_counts[i]);
    first += row_.url_counts[i];
    if (row_.json[i]) {
      const CsvField& field = row_.record.fields[profile().image_columns[i]];
      cells.push_back(Cell(JsonCell(
          CsvTextToUtf8(FieldText(row_.record.raw, field, scratch_), profile()),
          mine)));
    } else {
      cells.push_back(Cell(ListCell(mine)));
    }
  }
  if (output_.error_column) {
    std::string text(errors);
    if (BeginsFormula(text)) text.insert(0, "'");
    cells.push_back(Cell(text));
  }
  Append(cells);
  return Flush(kPiece);
}

std::string CsvRewriter::Cell(std::string_view text) const {
  const bool needs_quotes =
      profile().quotes_all ||
      text.find_first_of("\"\r\n") != std::string_view::npos ||
      text.find(profile().format.delimiter) != std::string_view::npos ||
      text.starts_with(' ') || text.ends_with(' ');
  std::string cell;
  if (needs_quotes) cell += '"';
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  if (needs_quotes) cell += '"';
  switch (profile().encoding) {
    case CsvEncoding::kWindows1252:
      return Utf8ToWindows1252(cell);
    case CsvEncoding::kUtf16Le:
    case CsvEncoding::kUtf16Be:
      return ReplaceInvalidUtf8(cell);
    case CsvEncoding::kUtf8:
      return cell;
  }
  return cell;
}

void CsvRewriter::Append(const std::vector<std::string>& cells) {
  const CsvRecord& record = row_.record;
  const char delimiter = profile().format.delimiter;
  const size_t columns = profile().columns.size();
  const size_t fields = record.fields.size();
  size_t next = 0;  // Of cells.
  if (row_.fit == CsvRow::Fit::kOverflow) {
    const uint32_t begin = record.fields[columns - 1].begin;
    AppendFields(0, columns - 1);
    std::string list(record.raw.substr(begin, record.content - begin));
    if (output_.spreadsheet_safe && BeginsFormula(list)) list.insert(0, "'");
    text_ += '"';
    for (const char c : list) {
      if (c == '"') text_ += '"';
      text_ += c;
    }
    text_ += '"';
  } else if (row_.fit == CsvRow::Fit::kTrailingEmpty) {
    // The new cells take the empty fields' places.
    AppendFields(0, columns);
    for (size_t i = columns; i < fields; ++i) {
      text_ += delimiter;
      if (next < cells.size()) text_ += cells[next++];
    }
  } else {
    AppendFields(0, fields);
  }
  for (; next < cells.size(); ++next) {
    text_ += delimiter;
    text_ += cells[next];
  }
  text_ += record.line_end();
}

void CsvRewriter::AppendFields(size_t begin, size_t end) {
  const CsvRecord& record = row_.record;
  if (begin == end) return;
  if (!output_.spreadsheet_safe) {
    const uint32_t first = record.fields[begin].begin;
    text_ += record.raw.substr(first, record.fields[end - 1].end - first);
  } else {
    for (size_t i = begin; i < end; ++i) {
      const CsvField& field = record.fields[i];
      if (i > begin) text_ += profile().format.delimiter;
      std::string_view raw = record.Raw(field);
      if (BeginsFormula(FieldText(record.raw, field, scratch_))) {
        if (field.quoted) {
          text_ += '"';
          raw.remove_prefix(1);
        }
        text_ += '\'';
      }
      text_ += raw;
    }
  }
  // Fields that are followed by others: a delimiter is between them.
  if (end < record.fields.size() && row_.fit == CsvRow::Fit::kOverflow) {
    text_ += profile().format.delimiter;
  }
}

void CsvRewriter::AppendGuarded(std::string_view text) {
  if (!output_.spreadsheet_safe) {
    text_ += text;
    return;
  }
  // Nobody knows how a spreadsheet would split a broken row: wherever a cell
  // could begin, none begins a formula.
  bool may_begin = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (may_begin && BeginsFormula(text.substr(i, 1)) &&
        c != profile().format.delimiter && c != '\r') {
      text_ += '\'';
    }
    text_ += c;
    may_begin = c == profile().format.delimiter || c == '"' || c == '\n' ||
                c == '\r' || c == ',' || c == ';' || c == '\t';
  }
}

Result<void> CsvRewriter::Flush(size_t above) {
  if (text_.size() <= above && above > 0) return {};
  EncodeCsvText(profile().encoding, text_, encoded_);
  if (above == 0) encoded_ += rows_->source().odd_tail();
  if (encoded_.empty()) return {};
  Result<void> taken = sink_(encoded_);
  encoded_.clear();
  return taken;
}

}  // namespace imgbatch
