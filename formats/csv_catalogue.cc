#include "formats/csv_catalogue.h"

#include <utility>

namespace imgbatch {

Result<std::unique_ptr<CsvCatalogue>> CsvCatalogue::Open(
    const std::string& path, const CsvOptions& options) {
  Result<std::unique_ptr<CsvRows>> rows =
      CsvRows::Open(path, options, /*need_images=*/true);
  if (!rows) return rows.error();
  return std::unique_ptr<CsvCatalogue>(new CsvCatalogue(std::move(*rows)));
}

Result<bool> CsvCatalogue::Next(CatalogueRow& row) {
  do {
    Result<bool> more = rows_->Next(row_);
    if (!more || !*more) return more;
  } while (row_.role != CsvRole::kData && row_.role != CsvRole::kBad);
  // Both rows' memory is used again and again.
  std::swap(row, row_.content);
  return true;
}

Result<void> CsvCatalogue::SkipThrough(int64_t row) {
  CatalogueRow skipped;
  while (skipped.row < row) {
    Result<bool> more = Next(skipped);
    if (!more) return more.error();
    if (!*more) break;
  }
  return {};
}

}  // namespace imgbatch
