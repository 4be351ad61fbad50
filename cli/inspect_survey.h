// What a CSV file holds, counted in one pass and in bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/catalogue.h"
#include "core/result.h"
#include "formats/csv_rows.h"

namespace imgbatch {

struct HostCount {
  std::string host;
  int64_t urls = 0;
};

struct CsvSurvey {
  // More malformed rows than this are counted, not listed.
  static constexpr size_t kListedBadRows = 1000;
  // URLs of more hosts than this are counted together.
  static constexpr size_t kListedHosts = 50'000;
  static constexpr size_t kFirstRows = 3;

  int64_t rows = 0;  // Bad ones included.
  int64_t bad_rows = 0;
  std::vector<RowRecord::Bad> listed_bad_rows;
  int64_t urls = 0;              // Places, invalid ones included.
  int64_t invalid_urls = 0;      // That would fail without a request.
  int64_t unique_urls = 0;       // Of all, by their normal form.
  std::vector<HostCount> hosts;  // Most URLs first.
  int64_t other_host_urls = 0;   // Of hosts beyond kListedHosts.
  int64_t foreign_cells = 0;     // Not of the file's encoding.
  std::vector<CatalogueRow> first_rows;
};

// Reads `rows` to the end. `file_root` as ParseUrlOrFile takes it. kIo.
Result<CsvSurvey> SurveyCsv(CsvRows& rows, const std::string& file_root);

}  // namespace imgbatch
