// Which columns hold the images and the product's name. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/csv_detect.h"
#include "formats/csv_dialects.h"

namespace imgbatch {

// The beginning of a table, as UTF-8.
struct ColumnSample {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
};

// Sets the image, product and group columns of `profile`, or its image_error:
// by `wanted` (--image-columns) if given, else by dialect (null: none), by
// name, by content.
void ChooseColumns(const ColumnSample& sample, const Dialect* dialect,
                   const std::string& wanted, std::string_view file,
                   CsvProfile& profile);

}  // namespace imgbatch
