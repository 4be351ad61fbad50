#include "core/intake.h"

#include "core/file_client.h"

namespace imgbatch {

Result<std::vector<RowRecord>> Intake::NextGroup(size_t max_cells) {
  std::vector<RowRecord> group;
  size_t size = 0;
  while (size < max_cells) {
    auto more = catalogue_.Next(row_);
    if (!more) return more.error();
    if (!*more) break;
    rows_ = row_.row;
    group.push_back(RecordOf(row_));
    size += 1 + group.back().cells.size();
  }
  return group;
}

RowRecord Intake::RecordOf(const CatalogueRow& row) const {
  RowRecord record;
  record.row = row.row;
  record.bad = row.bad;
  record.cells.reserve(row.urls.size());
  int32_t place = 0;
  for (const std::string& raw : row.urls) {
    CellRecord cell;
    cell.place = ++place;
    std::string name;
    auto url = ParseUrlOrFile(file_root_, raw);
    if (url) {
      cell.url = std::move(url->text);
      cell.host = std::move(url->host);
      name = std::move(url->name);
    } else {
      cell.url = raw;
      cell.invalid = url.error();
    }
    cell.stem = names_.Stem({.row = row.row,
                             .place = place,
                             .url = cell.url,
                             .name = name,
                             .product = row.product,
                             .batch = batch_});
    record.cells.push_back(std::move(cell));
  }
  return record;
}

}  // namespace imgbatch
