// The rows of a catalogue: what each record of a CSV file is for, and which
// URLs it holds. Shared by reading (csv_catalogue.h) and writing again
// (csv_writer.h), so that both always see the same places. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "formats/csv_detect.h"
#include "formats/csv_reader.h"
#include "formats/csv_source.h"

namespace imgbatch {

enum class CsvRole : uint8_t {
  kPass,         // Goes through as it is: an empty line, the rest of a bad row.
  kExtraHeader,  // A header row above the last one.
  kHeader,       // Names the columns.
  kData,
  kBad,
};

// One record and its meaning.
struct CsvRow {
  // How the fields fit the columns.
  enum class Fit : uint8_t {
    kExact,
    kOverflow,       // An unquoted list runs over the last column's end.
    kTrailingEmpty,  // Empty fields beyond the last column.
  };
  CsvRecord record;
  CsvRole role = CsvRole::kPass;
  Fit fit = Fit::kExact;
  CatalogueRow content;            // Of kData and kBad.
  std::vector<size_t> url_counts;  // By image column: places of content.urls.
  std::vector<bool> json;          // By image column: the cell is JSON.
};

class CsvRows {
 public:
  // See CsvSource::Open and DetectCsv for the errors. An image column that
  // cannot be told is an error when `need_images`.
  static Result<std::unique_ptr<CsvRows>> Open(const std::string& path,
                                               const CsvOptions& options,
                                               bool need_images);
  static Result<std::unique_ptr<CsvRows>> Of(CsvSource source,
                                             const CsvOptions& options,
                                             std::string_view file,
                                             bool need_images);

  // The next record; false at the end. kIo.
  Result<bool> Next(CsvRow& row);

  const CsvProfile& profile() const { return profile_; }
  // The text before the table, as it is in the file.
  const std::string& preamble() const { return preamble_; }
  const CsvReader& reader() const { return *reader_; }
  const CsvSource& source() const { return source_; }
  // Cells that were not of the file's encoding, so far.
  int64_t foreign_cells() const { return foreign_cells_; }

 private:
  explicit CsvRows(CsvSource source) : source_(std::move(source)) {}
  bool FitColumns(CsvRow& row);
  bool TakeUrls(CsvRow& row);
  void TakeProduct(CsvRow& row);
  void Spoil(CsvRow& row, std::string reason);
  std::string_view CellText(std::string_view text);

  struct GroupHead {
    std::string key;
    std::string product;
  };

  CsvSource source_;
  CsvProfile profile_;
  std::unique_ptr<CsvReader> reader_;
  std::string preamble_;
  size_t header_rows_left_ = 0;
  int64_t row_ = 0;
  int64_t foreign_cells_ = 0;
  std::string last_product_;
  // Names by group, for rows of it further down: the latest of each slot.
  std::vector<GroupHead> heads_;
  std::string scratch_;  // Of FieldText.
  std::string decoded_;  // Of CellText.
};

}  // namespace imgbatch
