#include "cli/row_reader.h"

#include <algorithm>
#include <utility>

#include "cli/csv_settings.h"
#include "core/intake.h"
#include "formats/csv_catalogue.h"

namespace imgbatch {
namespace {

// Rows and URLs per group: one transaction, some 20 ms.
constexpr size_t kGroupCells = 4'000;

}  // namespace

RowReader::RowReader(std::string kept_input, Settings settings,
                     const BatchView& batch)
    : kept_input_(std::move(kept_input)),
      settings_(std::move(settings)),
      uuid_(batch.uuid),
      recorded_(batch.rows),
      thread_([this] { Run(); }) {}

RowReader::~RowReader() {
  feed_.Close();
  thread_.join();
}

void RowReader::Run() { feed_.Push({{}, Read()}); }

Result<int64_t> RowReader::Read() {
  auto names = NameTemplate::Parse(settings_.name_template);
  if (!names) return names.error();
  auto catalogue = CsvCatalogue::Open(kept_input_, CsvOptionsOf(settings_));
  if (!catalogue) return catalogue.error();
  if (recorded_ > 0) {
    auto skipped = (*catalogue)->SkipThrough(recorded_);
    if (!skipped) return skipped.error();
  }
  Intake intake(**catalogue, *std::move(names), uuid_);
  while (true) {
    auto group = intake.NextGroup(kGroupCells);
    if (!group) return group.error();
    if (group->empty()) return std::max(recorded_, intake.rows());
    if (!feed_.Push({*std::move(group), std::nullopt})) {
      return Error{ErrorCode::kCancelled, "recording was stopped"};
    }
  }
}

}  // namespace imgbatch
