// The part of a batch's settings that says how its CSV is read.
#pragma once

#include "core/settings.h"
#include "formats/csv_detect.h"

namespace imgbatch {

inline CsvOptions CsvOptionsOf(const Settings& settings) {
  return {.delimiter = settings.delimiter,
          .encoding = settings.encoding,
          .dialect = settings.dialect,
          .image_columns = settings.image_columns,
          .allow_file = settings.allow_file};
}

}  // namespace imgbatch
