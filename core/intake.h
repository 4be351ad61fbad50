// From rows of the input to records of the store: checked URLs, hosts, names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/catalogue.h"
#include "core/job.h"
#include "core/naming.h"
#include "core/result.h"
#include "core/url.h"

namespace imgbatch {

class Intake {
 public:
  // `batch` is the UUID, for {batch} in names; `file_root` the directory below
  // which files may be read, empty for none. The catalogue is borrowed.
  Intake(Catalogue& catalogue, NameTemplate names, std::string batch,
         std::string file_root)
      : catalogue_(catalogue),
        names_(std::move(names)),
        batch_(std::move(batch)),
        file_root_(std::move(file_root)) {}

  // The next rows, about `max_cells` URL positions of them; an empty group at
  // the end. Fails as Catalogue::Next does.
  Result<std::vector<RowRecord>> NextGroup(size_t max_cells);

  int64_t rows() const { return rows_; }

 private:
  RowRecord RecordOf(const CatalogueRow& row) const;

  Catalogue& catalogue_;
  NameTemplate names_;
  std::string batch_;
  std::string file_root_;
  int64_t rows_ = 0;
  CatalogueRow row_;
};

}  // namespace imgbatch
