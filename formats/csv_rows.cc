#include "formats/csv_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "formats/csv_cells.h"
#include "formats/csv_text.h"

namespace imgbatch {
namespace {

// Group heads that are remembered; a group longer ago falls back to its key.
constexpr size_t kGroupHeads = 1024;

// FNV-1a: only spreads keys over the slots.
size_t SlotOf(std::string_view key) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : key) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  }
  return hash % kGroupHeads;
}

}  // namespace

Result<std::unique_ptr<CsvRows>> CsvRows::Open(const std::string& path,
                                               const CsvOptions& options,
                                               bool need_images) {
  Result<CsvSource> source = CsvSource::Open(path, options.encoding);
  if (!source) return source.error();
  return Of(std::move(*source), options, path == "-" ? kStandardInput : path,
            need_images);
}

Result<std::unique_ptr<CsvRows>> CsvRows::Of(CsvSource source,
                                             const CsvOptions& options,
                                             std::string_view file,
                                             bool need_images) {
  std::unique_ptr<CsvRows> rows(new CsvRows(std::move(source)));
  {
    std::string sample;
    bool whole = false;
    while (!whole && sample.size() < kDetectSample) {
      const size_t size = sample.size();
      sample.resize(std::min(kDetectSample + 4, size * 2 + 16384));
      Result<size_t> got =
          rows->source_.Read({sample.data() + size, sample.size() - size});
      if (!got) return got.error();
      whole = *got == 0;
      sample.resize(size + *got);
    }
    rows->source_.Rewind();
    Result<CsvProfile> profile =
        DetectCsv(sample, whole, rows->source_, options, file);
    if (!profile) return profile.error();
    rows->profile_ = std::move(*profile);
  }
  if (rows->profile_.columns.empty()) {
    return Error{ErrorCode::kInput, fmt::format("{} has no rows", file)};
  }
  if (need_images && rows->profile_.image_error.has_value()) {
    return *rows->profile_.image_error;
  }
  rows->reader_ =
      std::make_unique<CsvReader>(rows->source_, rows->profile_.format);
  Result<std::string> preamble =
      rows->reader_->TakeRaw(rows->profile_.preamble);
  if (!preamble) return preamble.error();
  rows->preamble_ = std::move(*preamble);
  rows->header_rows_left_ = rows->profile_.header_lines.size();
  rows->heads_.resize(rows->profile_.group_column ? kGroupHeads : 0);
  return rows;
}

Result<bool> CsvRows::Next(CsvRow& row) {
  Result<bool> more = reader_->Next(row.record);
  if (!more || !*more) return more;
  row.fit = CsvRow::Fit::kExact;
  const bool alone = profile_.columns.size() == 1;
  if (row.record.kind == CsvRecord::Kind::kRest ||
      (row.record.kind == CsvRecord::Kind::kBlank && !alone)) {
    row.role = CsvRole::kPass;
    return true;
  }
  if (header_rows_left_ > 0) {
    --header_rows_left_;
    row.role = header_rows_left_ > 0 ? CsvRole::kExtraHeader : CsvRole::kHeader;
    // Only the last one must be readable.
    if (row.record.kind == CsvRecord::Kind::kBad) row.role = CsvRole::kPass;
    return true;
  }
  row.role = CsvRole::kData;
  row.content.row = ++row_;
  row.content.bad.reset();
  row.content.product.clear();
  if (row.record.kind == CsvRecord::Kind::kBad) {
    Spoil(row, row.record.reason);
    return true;
  }
  if (FitColumns(row) && TakeUrls(row)) TakeProduct(row);
  return true;
}

bool CsvRows::FitColumns(CsvRow& row) {
  const std::vector<CsvField>& fields = row.record.fields;
  const size_t columns = profile_.columns.size();
  if (fields.size() == columns) return true;
  if (fields.size() > columns) {
    const auto extra = fields.begin() + static_cast<std::ptrdiff_t>(columns);
    if (std::all_of(extra, fields.end(), [](const CsvField& field) {
          return field.begin == field.end;
        })) {
      row.fit = CsvRow::Fit::kTrailingEmpty;
      return true;
    }
    const bool list_is_last = !profile_.image_columns.empty() &&
                              profile_.image_columns.back() + 1 == columns;
    if (list_is_last &&
        std::all_of(extra, fields.end(), [&](const CsvField& field) {
          return field.begin == field.end ||
                 LooksLikeUrl(FieldText(row.record.raw, field, scratch_));
        })) {
      row.fit = CsvRow::Fit::kOverflow;
      return true;
    }
  }
  Spoil(row, fmt::format("{} field{} where the header has {}", fields.size(),
                         fields.size() == 1 ? "" : "s", columns));
  return false;
}

bool CsvRows::TakeUrls(CsvRow& row) {
  row.url_counts.clear();
  row.json.clear();
  std::vector<std::string>& urls = row.content.urls;
  size_t count = 0;
  for (const size_t column : profile_.image_columns) {
    const CsvField& field = row.record.fields[column];
    const bool overflows = row.fit == CsvRow::Fit::kOverflow &&
                           column + 1 == profile_.columns.size();
    const std::string_view text =
        overflows ? row.record.raw.substr(field.begin,
                                          row.record.content - field.begin)
                  : FieldText(row.record.raw, field, scratch_);
    const size_t before = count;
    const bool json = VisitImageCell(CellText(text), profile_.allow_file,
                                     [&urls, &count](std::string_view url) {
                                       // Strings are used again: most rows are
                                       // alike.
                                       if (count < urls.size()) {
                                         urls[count] = url;
                                       } else {
                                         urls.emplace_back(url);
                                       }
                                       ++count;
                                     });
    if (count - before > kMaxUrlsPerCell) {
      Spoil(row, fmt::format("{} URLs in one cell; {} is the most",
                             count - before, kMaxUrlsPerCell));
      return false;
    }
    row.url_counts.push_back(count - before);
    row.json.push_back(json);
  }
  urls.resize(count);
  return true;
}

void CsvRows::TakeProduct(CsvRow& row) {
  if (!profile_.product_column.has_value()) return;
  const auto cell = [&](size_t column) {
    return TrimCell(CellText(
        FieldText(row.record.raw, row.record.fields[column], scratch_)));
  };
  std::string& product = row.content.product;
  product = cell(*profile_.product_column);
  if (profile_.carries_product) {
    if (product.empty()) {
      product = last_product_;
    } else {
      last_product_ = product;
    }
  }
  if (!profile_.group_column.has_value()) return;
  const std::string_view key = cell(*profile_.group_column);
  if (key.empty()) return;
  GroupHead& head = heads_[SlotOf(key)];
  if (!product.empty()) {
    head.key = key;
    head.product = product;
  } else {
    product = head.key == key ? head.product : key;
  }
}

void CsvRows::Spoil(CsvRow& row, std::string reason) {
  row.role = CsvRole::kBad;
  row.content.urls.clear();
  row.url_counts.clear();
  row.json.clear();
  row.content.bad = RowRecord::Bad{row.record.line, row.record.byte_offset,
                                   std::move(reason)};
}

std::string_view CsvRows::CellText(std::string_view text) {
  if (profile_.encoding != CsvEncoding::kWindows1252) {
    if (ValidUtf8(text) == text.size()) return text;
    ++foreign_cells_;
  }
  decoded_ = CsvTextToUtf8(text, profile_);
  return decoded_;
}

}  // namespace imgbatch
