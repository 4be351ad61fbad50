// The input port: a catalogue gives its rows in order. formats/ implements it
// for CSV.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/job.h"
#include "core/result.h"

namespace imgbatch {

struct CatalogueRow {
  int64_t row = 0;                // 1-based data record; bad rows count too.
  std::vector<std::string> urls;  // Of all image columns, in place order.
  std::string product;            // Product name, for {product}; may be empty.
  std::optional<RowRecord::Bad> bad;  // Then there are no URLs.
};

class Catalogue {
 public:
  virtual ~Catalogue() = default;
  // Fills `row` and returns true, or returns false at the end. kInput or kIo
  // when the file itself cannot be read on; a malformed row is not an error.
  virtual Result<bool> Next(CatalogueRow& row) = 0;
};

}  // namespace imgbatch
