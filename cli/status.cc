// imgbatch status: list batches, or show one.
#include <cstdio>

#include "cli/batch_json.h"
#include "cli/batch_text.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/leases.h"
#include "cli/session.h"

namespace imgbatch {
namespace {

constexpr int kListed = 100;  // Batches in the table, newest first.

Result<std::string> ListText(JobReader* reader, bool json) {
  std::vector<BatchView> batches;
  if (reader != nullptr) {
    auto listed = reader->ListBatches(kListed, std::nullopt);
    if (!listed) return listed.error();
    batches = *std::move(listed);
  }
  if (!json) return BatchTable(batches);
  Json list = Json::array();
  for (const BatchView& batch : batches) {
    auto one = BatchJson(*reader, batch);
    if (!one) return one.error();
    list.push_back(*std::move(one));
  }
  return ToLine(Json{{"batches", list}}) + "\n";
}

Result<std::string> OneText(JobReader& reader, const BatchView& batch,
                            const Options& options) {
  const bool failed = options.Flag("failed");
  if (options.Flag("json")) {
    auto json = BatchJson(reader, batch);
    if (!json) return json.error();
    if (failed) {
      auto images = FailedImagesJson(reader, batch.key);
      if (!images) return images.error();
      (*json)["failed_images"] = *std::move(images);
    }
    return ToLine(*json) + "\n";
  }
  if (failed) return FailedImagesText(reader, batch.key);
  auto path = StorePathFrom(options);
  if (!path) return path.error();
  const bool working =
      FileLock::IsHeld(StorePaths(*path).NamedLock(BatchLockName(batch.uuid)));
  return BatchPage(
      reader, batch,
      working
          ? "a process is working on it"
          : "nobody works on it; go on with: " +
                ResumeCommandLine(batch, options.Given("store") ? *path : ""));
}

// Shows what there is now; `ended`: a batch that will not change any more.
Result<std::string> Show(JobReader* reader, const Options& options,
                         bool& ended) {
  if (options.arguments.empty()) {
    if (options.Flag("failed")) {
      return Error{ErrorCode::kUsage,
                   "which batch? type imgbatch status latest --failed"};
    }
    return ListText(reader, options.Flag("json"));
  }
  if (reader == nullptr) {
    return Error{ErrorCode::kNotFound,
                 "no such batch: " + options.arguments[0] +
                     "; there are no batches yet"};
  }
  auto batch = reader->FindBatch(options.arguments[0]);
  if (!batch) return batch.error();
  ended = HasEnded(batch->state);
  return OneText(*reader, *batch, options);
}

}  // namespace

Result<ExitStatus> StatusCommand(const Options& options, Signals& signals) {
  auto path = StorePathFrom(options);
  if (!path) return path.error();
  auto opened = OpenReader(*path);
  if (!opened && opened.error().code != ErrorCode::kNotFound) {
    return opened.error();
  }
  JobReader* reader = opened ? opened->get() : nullptr;
  while (true) {
    bool ended = false;
    auto text = Show(reader, options, ended);
    if (!text) return text.error();
    if (options.Flag("watch") && !options.Flag("json")) {
      std::fputs("\x1b[H\x1b[2J", stdout);
    }
    std::fputs(text->c_str(), stdout);
    std::fflush(stdout);
    if (!options.Flag("watch") || ended || reader == nullptr) break;
    if (signals.WaitFor(Milliseconds(1'000))) return signals.Status();
  }
  return ExitStatus::kOk;
}

}  // namespace imgbatch
