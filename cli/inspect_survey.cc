#include "cli/inspect_survey.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "cli/distinct.h"
#include "core/file_client.h"

namespace imgbatch {

Result<CsvSurvey> SurveyCsv(CsvRows& rows, const std::string& file_root) {
  CsvSurvey survey;
  DistinctCounter distinct;
  std::unordered_map<std::string, int64_t> hosts;
  CsvRow row;
  while (true) {
    Result<bool> more = rows.Next(row);
    if (!more) return more.error();
    if (!*more) break;
    if (row.role == CsvRole::kBad) {
      ++survey.rows;
      ++survey.bad_rows;
      if (survey.listed_bad_rows.size() < CsvSurvey::kListedBadRows) {
        survey.listed_bad_rows.push_back(*row.content.bad);
      }
    }
    if (row.role != CsvRole::kData) continue;
    ++survey.rows;
    if (survey.first_rows.size() < CsvSurvey::kFirstRows) {
      survey.first_rows.push_back(row.content);
    }
    for (const std::string& text : row.content.urls) {
      ++survey.urls;
      Result<Url, Failure> url = ParseUrlOrFile(file_root, text);
      Result<void> added = distinct.Add(url ? url->text : text);
      if (!added) return added.error();
      if (!url) {
        ++survey.invalid_urls;
        continue;
      }
      const auto known = hosts.find(url->host);
      if (known != hosts.end()) {
        ++known->second;
      } else if (hosts.size() < CsvSurvey::kListedHosts) {
        hosts.emplace(std::move(url->host), 1);
      } else {
        ++survey.other_host_urls;
      }
    }
  }
  Result<int64_t> unique = distinct.Count();
  if (!unique) return unique.error();
  survey.unique_urls = *unique;
  survey.foreign_cells = rows.foreign_cells();
  for (const auto& [host, urls] : hosts) survey.hosts.push_back({host, urls});
  std::sort(survey.hosts.begin(), survey.hosts.end(),
            [](const HostCount& a, const HostCount& b) {
              return a.urls != b.urls ? a.urls > b.urls : a.host < b.host;
            });
  return survey;
}

}  // namespace imgbatch
