#include "cli/row_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/csv_settings.h"
#include "core/intake.h"
#include "formats/csv_catalogue.h"
#include "store/kept_input.h"

namespace imgbatch {
namespace {

// Rows and URLs per group: one transaction, some 20 ms.
constexpr size_t kGroupCells = 4'000;

}  // namespace

RowReader::RowReader(const StorePaths& paths, Settings settings,
                     const BatchView& batch)
    : paths_(paths),
      settings_(std::move(settings)),
      uuid_(batch.uuid),
      recorded_(batch.rows),
      thread_([this] { Run(); }) {}

RowReader::~RowReader() {
  stopped_ = true;
  feed_.Close();
  thread_.join();
}

void RowReader::Run() { feed_.Push({{}, Read()}); }

Result<int64_t> RowReader::Read() {
  const std::string kept = KeptInputOf(paths_, uuid_).path;
  if (access(kept.c_str(), F_OK) == 0) return ReadFrom(kept);
  const std::string& original = settings_.input_path;
  if (!original.empty() && FileStamp(original) == settings_.input_stamp) {
    return ReadAndCopy(original);
  }
  return Error{ErrorCode::kInput,
               (original.empty() ? kept : original) +
                   " changed or went away before it was copied; cancel the "
                   "batch and run it again"};
}

Result<int64_t> RowReader::ReadAndCopy(const std::string& path) {
  std::optional<Result<KeptInput>> kept;
  std::thread copier([&] { kept = KeepFile(paths_, uuid_, path, &stopped_); });
  auto rows = ReadFrom(path);
  if (!rows) stopped_ = true;
  copier.join();
  if (!rows) return rows;
  if (!*kept) return kept->error();
  // What was recorded must be what was kept.
  if (FileStamp(path) != settings_.input_stamp) {
    return Error{ErrorCode::kInput,
                 path +
                     " changed while it was read; cancel the batch and run "
                     "it again"};
  }
  return rows;
}

Result<int64_t> RowReader::ReadFrom(const std::string& path) {
  auto names = NameTemplate::Parse(settings_.name_template);
  if (!names) return names.error();
  auto catalogue = CsvCatalogue::Open(path, CsvOptionsOf(settings_));
  if (!catalogue) return catalogue.error();
  if (recorded_ > 0) {
    auto skipped = (*catalogue)->SkipThrough(recorded_);
    if (!skipped) return skipped.error();
  }
  Intake intake(**catalogue, *std::move(names), uuid_, settings_.file_root);
  while (true) {
    auto group = intake.NextGroup(kGroupCells);
    if (!group) return group.error();
    if (group->empty()) return std::max(recorded_, intake.rows());
    if (!feed_.Push({*std::move(group), std::nullopt})) {
      return Error{ErrorCode::kCancelled, "recording was stopped"};
    }
  }
}

std::string FileStamp(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return "";
  return fmt::format("{} {}.{:09}", about.st_size, about.st_mtim.tv_sec,
                     about.st_mtim.tv_nsec);
}

}  // namespace imgbatch
