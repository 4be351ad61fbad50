#include "cli/inspect.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/inspect_survey.h"
#include "cli/quantities.h"
#include "formats/csv_rows.h"

namespace imgbatch {
namespace {

using Json = nlohmann::ordered_json;

Result<void> Put(std::FILE* out, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), out) == text.size()) return {};
  return Error{ErrorCode::kOutput, "cannot write to standard output"};
}

// A file's text on a terminal: no control characters, nor lines out of place.
std::string Shown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return out;
}

std::string DelimiterName(char delimiter) {
  switch (delimiter) {
    case ',':
      return "comma";
    case ';':
      return "semicolon";
    case '\t':
      return "tab";
    case '|':
      return "bar";
    default:
      return std::string(1, delimiter);
  }
}

std::vector<std::string> ImageColumnNames(const CsvProfile& profile) {
  std::vector<std::string> names;
  for (const size_t column : profile.image_columns) {
    names.push_back(profile.columns[column]);
  }
  return names;
}

std::vector<std::string> Warnings(const CsvProfile& profile,
                                  const CsvSurvey& survey) {
  std::vector<std::string> warnings = profile.warnings;
  if (profile.encoding == CsvEncoding::kWindows1252 &&
      profile.encoding_guessed) {
    warnings.push_back(
        "not valid UTF-8, so read as windows-1252; --encoding says otherwise");
  }
  if (survey.foreign_cells > 0 && profile.encoding_guessed) {
    warnings.push_back(fmt::format(
        "{} cells are not valid UTF-8 and were read as windows-1252",
        survey.foreign_cells));
  } else if (survey.foreign_cells > 0) {
    warnings.push_back(fmt::format("{} cells are not valid {}",
                                   survey.foreign_cells,
                                   Name(profile.encoding)));
  }
  if (survey.invalid_urls > 0) {
    warnings.push_back(
        fmt::format("no valid http or https URL in {} of {} places",
                    ShowCount(survey.invalid_urls), ShowCount(survey.urls)));
  }
  return warnings;
}

std::string JsonText(const CsvProfile& profile, const CsvSurvey& survey) {
  Json json;
  json["encoding"] = EncodingLabel(profile);
  json["delimiter"] = std::string(1, profile.format.delimiter);
  json["line_ending"] = Name(profile.line_end);
  json["dialect"] = profile.dialect;
  json["dialect_reason"] = profile.why;
  json["header_row"] =
      profile.header_lines.empty() ? Json() : Json(profile.header_lines.back());
  json["columns"] = profile.columns;
  json["image_columns"] = ImageColumnNames(profile);
  json["image_columns_by"] = profile.image_columns_by;
  json["rows"] = survey.rows;
  json["invalid_row_count"] = survey.bad_rows;
  json["invalid_rows"] = Json::array();
  for (const RowRecord::Bad& bad : survey.listed_bad_rows) {
    json["invalid_rows"].push_back({{"line", bad.line},
                                    {"byte_offset", bad.byte_offset},
                                    {"reason", bad.reason}});
  }
  json["urls"] = survey.urls;
  json["unique_urls"] = survey.unique_urls;
  json["invalid_urls"] = survey.invalid_urls;
  json["hosts"] = Json::array();
  for (const HostCount& host : survey.hosts) {
    json["hosts"].push_back({{"host", host.host}, {"urls", host.urls}});
  }
  if (survey.other_host_urls > 0) {
    json["other_host_urls"] = survey.other_host_urls;
  }
  json["warnings"] = Warnings(profile, survey);
  if (profile.image_error) json["error"] = profile.image_error->message;
  return json.dump(-1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace) +
         "\n";
}

std::string Text(const std::string& path, const CsvProfile& profile,
                 const CsvSurvey& survey) {
  std::string text = path + "\n";
  const auto line = [&](std::string_view what, std::string_view says) {
    text += fmt::format("  {:<14} {}\n", what, Shown(says));
  };
  line("encoding", EncodingLabel(profile));
  line("delimiter", DelimiterName(profile.format.delimiter));
  line("line ends", Name(profile.line_end));
  line("dialect", fmt::format("{} ({})", profile.dialect, profile.why));
  line("header",
       profile.header_lines.empty()
           ? "none"
           : fmt::format("line {}", fmt::join(profile.header_lines, ", ")));
  line("columns", fmt::format("{}", fmt::join(profile.columns, ", ")));
  line("image columns",
       profile.image_columns.empty()
           ? "none found"
           : fmt::format("{} (by {})",
                         fmt::join(ImageColumnNames(profile), ", "),
                         profile.image_columns_by));
  line("rows", survey.bad_rows == 0 ? ShowCount(survey.rows)
                                    : fmt::format("{}, {} of them malformed",
                                                  ShowCount(survey.rows),
                                                  ShowCount(survey.bad_rows)));
  line("image URLs",
       fmt::format("{}, {} of them distinct, {} repeated",
                   ShowCount(survey.urls), ShowCount(survey.unique_urls),
                   ShowCount(survey.urls - survey.unique_urls)));
  constexpr size_t kShownHosts = 10;
  for (size_t i = 0; i < std::min(survey.hosts.size(), kShownHosts); ++i) {
    line(i == 0 ? "hosts" : "", fmt::format("{} ({})", survey.hosts[i].host,
                                            ShowCount(survey.hosts[i].urls)));
  }
  if (survey.hosts.size() > kShownHosts) {
    line("", fmt::format("… {} in all",
                         ShowCount(static_cast<int64_t>(survey.hosts.size()))));
  }
  constexpr size_t kShownBadRows = 20;
  for (size_t i = 0; i < std::min(survey.listed_bad_rows.size(), kShownBadRows);
       ++i) {
    const RowRecord::Bad& bad = survey.listed_bad_rows[i];
    line(i == 0 ? "malformed" : "",
         fmt::format("line {} (byte {}): {}", bad.line, bad.byte_offset,
                     bad.reason));
  }
  if (survey.listed_bad_rows.size() > kShownBadRows) {
    line("", "… all of them with --json");
  }
  for (const std::string& warning : Warnings(profile, survey)) {
    line("note", warning);
  }
  for (size_t i = 0; i < survey.first_rows.size(); ++i) {
    const CatalogueRow& row = survey.first_rows[i];
    line(i == 0 ? "first rows" : "",
         fmt::format("{}: {} → {}", row.row, row.product,
                     row.urls.empty()
                         ? "no image"
                         : fmt::format("{}", fmt::join(row.urls, "  "))));
  }
  return text;
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

Result<void> PrintRows(CsvRows& rows, std::FILE* out, std::FILE* err) {
  CsvRow row;
  std::string text;
  std::string scratch;
  while (true) {
    Result<bool> more = rows.Next(row);
    if (!more) return more.error();
    if (!*more) break;
    if (row.role == CsvRole::kPass) continue;
    if (row.record.kind == CsvRecord::Kind::kBad) {
      fmt::print(err, "line {}: {}\n", row.record.line, row.record.reason);
      continue;
    }
    text += '[';
    for (size_t i = 0; i < row.record.fields.size(); ++i) {
      if (i > 0) text += ',';
      AppendJsonString(CsvTextToUtf8(FieldText(row.record.raw,
                                               row.record.fields[i], scratch),
                                     rows.profile()),
                       text);
    }
    text += "]\n";
    if (text.size() < 65536) continue;
    Result<void> put = Put(out, text);
    if (!put) return put;
    text.clear();
  }
  return Put(out, text);
}

}  // namespace

Result<void> Inspect(const InspectOptions& options, std::FILE* out,
                     std::FILE* err) {
  Result<std::unique_ptr<CsvRows>> rows =
      CsvRows::Open(options.path, options.csv, /*need_images=*/false);
  if (!rows) return rows.error();
  if (options.form == InspectOptions::Form::kRows) {
    return PrintRows(**rows, out, err);
  }
  Result<CsvSurvey> survey = SurveyCsv(**rows, options.file_root);
  if (!survey) return survey.error();
  const CsvProfile& profile = (*rows)->profile();
  Result<void> put = Put(out, options.form == InspectOptions::Form::kJson
                                  ? JsonText(profile, *survey)
                                  : Text(options.path, profile, *survey));
  if (!put) return put;
  if (std::fflush(out) != 0) {
    return Error{ErrorCode::kOutput, "cannot write to standard output"};
  }
  if (profile.image_error.has_value()) return *profile.image_error;
  return {};
}

}  // namespace imgbatch
