// Splits the text of a CSV file into records and fields, after RFC 4180 and
// its common violations, without ever holding more than one record of it.
// Nothing is changed: a field is a place in the raw text. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "formats/csv_source.h"

namespace imgbatch {

// Why these: a hostile file must not take memory or hide the rest of itself.
struct CsvLimits {
  size_t max_record = size_t{4} << 20;  // Bytes, its line end not counted.
  size_t max_field = size_t{1} << 20;   // Bytes, quotes included.
  size_t max_fields = 1024;
};

struct CsvFormat {
  char delimiter = ',';
  // Also a CR alone ends a line (old Macintosh files). Otherwise it is text.
  bool cr_ends = false;
};

// A place in CsvRecord::raw.
struct CsvField {
  uint32_t begin = 0;    // At the opening quote, if there is one.
  uint32_t end = 0;      // After the closing one, and spaces after that.
  bool quoted = false;   // Between quotes: "" means one of them.
  bool escaped = false;  // There is a "" in it.
};

struct CsvRecord {
  enum class Kind : uint8_t {
    kFields,  // Split into `fields`.
    kBlank,   // Nothing but a line end (a record of one empty field).
    kBad,     // `reason` says why; `fields` may lack some.
    kRest,    // More of the bad record before, which was too long.
  };
  Kind kind = Kind::kFields;
  std::string_view raw;  // With its line end; valid until the next call.
  size_t content = 0;    // Bytes of it before the line end.
  std::vector<CsvField> fields;
  int64_t line = 1;         // 1-based, where it begins.
  int64_t byte_offset = 0;  // In the file.
  std::string reason;       // One line, of a bad record.

  std::string_view Raw(const CsvField& field) const {
    return raw.substr(field.begin, field.end - field.begin);
  }
  std::string_view line_end() const { return raw.substr(content); }
};

// What the field says: without quotes, "" as one. `scratch` may hold it.
std::string_view FieldText(std::string_view raw, const CsvField& field,
                           std::string& scratch);

// How many lines ended in which way, so far.
struct CsvLineEnds {
  int64_t lf = 0;
  int64_t crlf = 0;
  int64_t cr = 0;
};

class CsvReader {
 public:
  // Reads `source` from where it stands, which must be its beginning and must
  // outlive this.
  CsvReader(CsvSource& source, CsvFormat format, CsvLimits limits = {});

  // The next `bytes` of text as they are, for what precedes the table. At most
  // limits.max_record.
  Result<std::string> TakeRaw(size_t bytes);

  // Fills `record` and returns true; false at the end. kIo. A quote that is
  // never closed makes the line that it opened in a bad record; reading goes
  // on with the next line.
  Result<bool> Next(CsvRecord& record);

  const CsvLineEnds& line_ends() const { return line_ends_; }

 private:
  // Makes at least one more byte available; false at the end of the text.
  Result<bool> Fill();
  void ScanFrom(size_t at);
  bool NextSpecial(size_t& at);
  void Finish(CsvRecord& record, size_t content_end, size_t end);

  CsvSource& source_;
  CsvFormat format_;
  CsvLimits limits_;
  std::vector<char> buffer_;  // 64 bytes longer than what is used of it.
  size_t begin_ = 0;          // Of the record.
  size_t end_ = 0;            // Of the text in the buffer.
  bool at_end_ = false;       // The source has no more.
  size_t block_ = 0;          // 64 bytes from here on …
  uint64_t specials_ = 0;     // … and which of them matter, as bits.
  size_t resume_ = 0;         // What is before this was looked at.
  int64_t line_ = 1;
  int64_t offset_ = 0;    // In the file, of begin_.
  bool in_rest_ = false;  // Of a record that was too long.
  CsvLineEnds line_ends_;
};

// Which of the 64 bytes at `text` are the delimiter, a quote, CR, LF or NUL:
// bit i for byte i. The second is the portable form; both say the same.
uint64_t FindSpecials(const char* text, char delimiter);
uint64_t FindSpecialsPortably(const char* text, char delimiter);

}  // namespace imgbatch
