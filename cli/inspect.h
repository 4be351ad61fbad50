// The command `inspect`: what is understood of a CSV file. Downloads and
// records nothing.
#pragma once

#include <cstdio>
#include <string>

#include "core/result.h"
#include "formats/csv_detect.h"

namespace imgbatch {

struct InspectOptions {
  enum class Form : uint8_t {
    kText,
    kJson,  // One object.
    kRows,  // Every record as a JSON array of its cells' text, one a line.
  };
  std::string path;  // "-" is standard input.
  CsvOptions csv;
  std::string file_root;  // As ParseUrlOrFile takes it.
  Form form = Form::kText;
};

// Prints to `out`; what went wrong on the way without stopping it, to `err`.
// kInput when the file, or which of its columns hold images, cannot be made
// out; in the latter case everything else was printed. kUsage, kIo, kOutput.
Result<void> Inspect(const InspectOptions& options, std::FILE* out,
                     std::FILE* err);

}  // namespace imgbatch
