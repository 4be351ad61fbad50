// What kind of table a CSV file is: delimiter, header, dialect, image columns.
// Deterministic: the same beginning of a file gives the same answer. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "formats/csv_reader.h"
#include "formats/csv_text.h"

namespace imgbatch {

// As the flags give them; empty: detected.
struct CsvOptions {
  std::string delimiter = {};      // "," ";" "tab" "|", any other ASCII sign.
  std::string encoding = {};       // See EncodingFromName.
  std::string dialect = {};        // Of csv_dialects.h, or "generic".
  std::string image_columns = {};  // Names or 1-based numbers, joined by ",".
  bool allow_file = false;         // Paths and file:// are images too.
};

enum class CsvLineEnd : uint8_t { kNone, kLf, kCrlf, kCr, kMixed };
// "none", "lf", "crlf", "cr", "mixed".
std::string_view Name(CsvLineEnd line_end);

struct CsvProfile {
  CsvEncoding encoding = CsvEncoding::kUtf8;
  bool bom = false;
  bool encoding_guessed = false;  // Not by a BOM, nor by --encoding.
  CsvFormat format;
  CsvLineEnd line_end = CsvLineEnd::kNone;  // Of the beginning of the file.
  bool quotes_all = false;                  // Every cell is quoted.

  size_t preamble = 0;  // Bytes of text before the table.
  std::vector<int64_t>
      header_lines;                  // 1-based; the last one names the columns.
  std::vector<std::string> columns;  // Their names; "column 1" … if none do.
  std::string dialect;               // Name, or "generic".
  std::string why;                   // What the dialect was recognised by.

  // 0-based, ascending. Empty: none was found, and image_error says so.
  std::vector<size_t> image_columns;
  std::string image_columns_by;  // "dialect", "name", "content", "flag".
  std::optional<Error> image_error;
  std::optional<size_t> product_column;
  std::optional<size_t> group_column;  // See Dialect::group.
  bool carries_product = false;        // Dialect::group is "*".
  bool allow_file = false;

  std::vector<std::string> warnings;
};

// "utf-8-bom" and the like: the encoding, and whether it is marked.
std::string EncodingLabel(const CsvProfile& profile);

// The text of a cell or name, whatever the file's encoding.
std::string CsvTextToUtf8(std::string_view text, const CsvProfile& profile);

// Bytes of the beginning of the text that DetectCsv should see.
inline constexpr size_t kDetectSample = size_t{1} << 20;

// `sample` is the beginning of the text (all of it when `whole`), `file` what
// to call it in messages. kUsage for options that make no sense. That no image
// column was found, or too many, is not an error here: see image_error.
Result<CsvProfile> DetectCsv(std::string_view sample, bool whole,
                             const CsvSource& source, const CsvOptions& options,
                             std::string_view file);

}  // namespace imgbatch
