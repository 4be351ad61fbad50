// Any bytes as a CSV file: every byte of it comes out of the reader again, in
// order, and reading, detecting and writing end well. The last byte chooses
// options.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "formats/csv_cells.h"
#include "formats/csv_writer.h"

namespace imgbatch {
namespace {

// Fields of a well-formed record cover it, but for the delimiters between.
void CheckFields(const CsvRecord& record, char delimiter) {
  size_t at = 0;
  for (size_t i = 0; i < record.fields.size(); ++i) {
    const CsvField& field = record.fields[i];
    if (i > 0) {
      IMGBATCH_ASSERT(record.raw[at] == delimiter);
      ++at;
    }
    IMGBATCH_ASSERT(field.begin == at && field.end >= field.begin);
    IMGBATCH_ASSERT(!field.quoted || field.end >= field.begin + 2);
    at = field.end;
  }
  if (record.kind == CsvRecord::Kind::kFields) {
    IMGBATCH_ASSERT(at == record.content);
  }
  IMGBATCH_ASSERT(at <= record.content && record.content <= record.raw.size());
}

// The bytes that the text of a source stands for.
std::string Bytes(const CsvSource& source, std::string text) {
  std::string bytes;
  EncodeCsvText(source.encoding(), text, bytes);
  IMGBATCH_ASSERT(text.empty());
  bytes += source.odd_tail();
  return bytes;
}

void ReadWithLimits(const std::string& input, const std::string& encoding,
                    CsvFormat format, CsvLimits limits) {
  Result<CsvSource> source = CsvSource::OfBytes(input, encoding);
  if (!source) return;
  CsvReader reader(*source, format, limits);
  CsvRecord record;
  std::string joined;
  std::string scratch;
  int64_t line = 0;
  while (true) {
    Result<bool> more = reader.Next(record);
    IMGBATCH_ASSERT(more);
    if (!*more) break;
    IMGBATCH_ASSERT(!record.raw.empty());
    IMGBATCH_ASSERT(record.line >= line);
    IMGBATCH_ASSERT(record.content <= limits.max_record);
    line = record.line;
    joined += record.raw;
    CheckFields(record, format.delimiter);
    for (const CsvField& field : record.fields) {
      FieldText(record.raw, field, scratch);
    }
  }
  IMGBATCH_ASSERT(Bytes(*source, joined) == input.substr(source->bom_size()));
}

void ReadAndWrite(const std::string& input, const CsvOptions& options,
                  const CsvOutputOptions& output) {
  Result<CsvSource> source = CsvSource::OfBytes(input, options.encoding);
  if (!source) return;
  Result<std::unique_ptr<CsvRows>> rows =
      CsvRows::Of(std::move(*source), options, "in.csv", true);
  if (!rows) {
    IMGBATCH_ASSERT(!rows.error().message.empty());
    return;
  }
  size_t written = 0;
  Result<std::unique_ptr<CsvRewriter>> rewriter = CsvRewriter::Of(
      std::move(*rows), output, [&](std::string_view piece) -> Result<void> {
        written += piece.size();
        return {};
      });
  CatalogueRow row;
  int64_t number = 0;
  while (true) {
    Result<bool> more = (*rewriter)->NextRow(row);
    IMGBATCH_ASSERT(more);
    if (!*more) break;
    IMGBATCH_ASSERT(row.row == ++number);
    IMGBATCH_ASSERT(!row.bad || row.urls.empty());
    for (std::string& url : row.urls) {
      IMGBATCH_ASSERT(ValidUtf8(url) == url.size());
      if (url.size() % 2 == 0) url.clear();
    }
    IMGBATCH_ASSERT((*rewriter)->Write(row.urls, "=x"));
  }
  IMGBATCH_ASSERT(written >= input.size());
}

}  // namespace
}  // namespace imgbatch

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imgbatch;
  if (size == 0) return 0;
  // So that files which end with a line end are taken with the defaults.
  const uint8_t choice = data[size - 1] ^ '\n';
  const std::string input(data, data + size - 1);

  const char* encodings[] = {"", "", "utf-16le", "windows-1252"};
  const char* columns[] = {"", "1", "1,2", "image"};
  const char* delimiters[] = {"", "", ",", "tab"};
  CsvOptions options;
  options.encoding = encodings[choice & 3];
  options.image_columns = columns[choice >> 2 & 3];
  options.delimiter = delimiters[choice >> 4 & 3];
  options.allow_file = (choice & 0x40) != 0;
  const bool safe = (choice & 0x80) != 0;
  ReadAndWrite(input, options,
               {.error_column = safe, .spreadsheet_safe = safe});

  const CsvFormat format{.delimiter = ',', .cr_ends = safe};
  ReadWithLimits(input, options.encoding, format, {});
  ReadWithLimits(input, options.encoding, format,
                 {.max_record = 40, .max_field = 16, .max_fields = 4});

  if (ValidUtf8(input) == input.size()) {
    const ImageCell cell = SplitImageCell(input, options.allow_file);
    JsonCell(input, cell.urls);
  }
  return 0;
}
