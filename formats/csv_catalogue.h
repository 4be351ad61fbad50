// A CSV file as the input of a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/catalogue.h"
#include "formats/csv_detect.h"
#include "formats/csv_rows.h"

namespace imgbatch {

class CsvCatalogue final : public Catalogue {
 public:
  // `path` "-" is standard input. kInput with what to type instead when the
  // file or its image columns cannot be used, kUsage for options, kIo.
  static Result<std::unique_ptr<CsvCatalogue>> Open(const std::string& path,
                                                    const CsvOptions& options);

  Result<bool> Next(CatalogueRow& row) override;

  // The next row is the one after `row`, which counts bad ones too. Reads
  // again what lies between. May be called once, before Next.
  Result<void> SkipThrough(int64_t row);

  // What was understood.
  const CsvProfile& profile() const { return rows_->profile(); }
  // Cells that were not of the file's encoding, so far.
  int64_t foreign_cells() const { return rows_->foreign_cells(); }

 private:
  explicit CsvCatalogue(std::unique_ptr<CsvRows> rows)
      : rows_(std::move(rows)) {}

  std::unique_ptr<CsvRows> rows_;
  CsvRow row_;
};

}  // namespace imgbatch
