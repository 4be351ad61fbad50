// Writes the output CSV: the input once more, byte for byte, with a new cell
// in each row. One thread.
//
//   while (true) {
//     Result<bool> more = rewriter->NextRow(row);   // Not shown: errors.
//     if (!*more) break;
//     rewriter->Write(OutputsFor(row), errors);
//   }
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "formats/csv_detect.h"
#include "formats/csv_rows.h"

namespace imgbatch {

struct CsvOutputOptions {
  bool error_column = false;      // Adds "Image Errors".
  bool spreadsheet_safe = false;  // Guards cells that are passed through, too.
};

class CsvRewriter {
 public:
  // Takes the next bytes of the output, in pieces of about 256 KiB.
  using Sink = std::function<Result<void>(std::string_view)>;

  // `path` and `options` as they were given to CsvCatalogue; the same errors.
  static Result<std::unique_ptr<CsvRewriter>> Open(
      const std::string& path, const CsvOptions& options,
      const CsvOutputOptions& output, Sink sink);
  static Result<std::unique_ptr<CsvRewriter>> Of(std::unique_ptr<CsvRows> rows,
                                                 const CsvOutputOptions& output,
                                                 Sink sink);

  // The next row, the same as CsvCatalogue::Next gave; false at the end, when
  // the sink has everything. A row that was not answered by Write has empty
  // places. kIo, or the sink's error.
  Result<bool> NextRow(CatalogueRow& row);

  // Answers the row: one text per URL of it, in the same order, empty for a
  // failed one; `errors` fills the error column. Does nothing for a bad row,
  // which goes through unchanged.
  Result<void> Write(std::span<const std::string> outputs,
                     std::string_view errors);

  const CsvProfile& profile() const { return rows_->profile(); }
  // What a user should know, e.g. that the output column was there already.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  CsvRewriter(std::unique_ptr<CsvRows> rows, const CsvOutputOptions& output,
              Sink sink);
  void NameColumns();
  // Encloses in quotes where the file's style or the text needs it.
  std::string Cell(std::string_view text) const;
  // Appends the record with `cells` at its end.
  void Append(const std::vector<std::string>& cells);
  void AppendFields(size_t begin, size_t end);
  void AppendGuarded(std::string_view text);
  Result<void> Flush(size_t above);

  std::unique_ptr<CsvRows> rows_;
  CsvOutputOptions output_;
  Sink sink_;
  CsvRow row_;
  bool unanswered_ = false;
  std::vector<std::string> names_;  // Of the new columns, as text.
  std::vector<std::string> warnings_;
  std::string text_;     // Not given to the sink yet, as CsvSource gives it.
  std::string encoded_;  // The same in the file's encoding.
  std::string scratch_;
};

}  // namespace imgbatch
