// imgbatch resume and retry: go on with a batch that the store knows.
#include <algorithm>
#include <cstdio>
#include <vector>

#include <fmt/format.h>

#include "cli/batch_text.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/drain.h"
#include "cli/events.h"
#include "cli/images_directory.h"
#include "cli/quantities.h"
#include "cli/session.h"

namespace imgbatch {
namespace {

constexpr int kPage = 500;  // Batches read at a time.

Result<ExitStatus> GoOn(Session& session, const ProcessConfig& config,
                        const BatchView& batch, Signals& signals) {
  auto settings = ParseSettings(batch.settings);
  if (!settings) return settings.error();
  auto ready = PrepareImagesDirectory(
      settings->images_dir, settings->source_path, ForeignFiles::kAccept);
  if (!ready) return ready.error();
  if (config.json) {
    auto json = BatchJson(session.reader(), batch);
    if (!json) return json.error();
    PrintEvent("started", session.clock(), *json);
  } else if (!config.quiet && !HasEnded(batch.state)) {
    std::fprintf(stderr, "%s: %s, %s of %s images are done\n",
                 ShortId(batch.uuid).c_str(), batch.source.c_str(),
                 ShowCount(batch.tally.done).c_str(),
                 ShowCount(batch.tally.total).c_str());
  }
  return DrainAndReport(session, config, batch.key, signals);
}

// Oldest first.
Result<std::vector<BatchView>> UnfinishedBatches(JobReader& reader) {
  std::vector<BatchView> unfinished;
  std::optional<BatchKey> before;
  while (true) {
    auto page = reader.ListBatches(kPage, before);
    if (!page) return page.error();
    for (BatchView& batch : *page) {
      before = batch.key;
      if (IsUnfinished(batch)) unfinished.push_back(std::move(batch));
    }
    if (static_cast<int>(page->size()) < kPage) break;
  }
  std::reverse(unfinished.begin(), unfinished.end());
  return unfinished;
}

}  // namespace

Result<ExitStatus> ResumeCommand(const Options& options, Signals& signals) {
  auto config = ProcessConfigFrom(options);
  if (!config) return config.error();
  auto session = Session::Open(*config);
  if (!session) return session.error();
  JobReader& reader = (*session)->reader();
  std::vector<BatchView> batches;
  if (options.Flag("all")) {
    auto unfinished = UnfinishedBatches(reader);
    if (!unfinished) return unfinished.error();
    batches = *std::move(unfinished);
  } else if (!options.arguments.empty()) {
    auto batch = reader.FindBatch(options.arguments[0]);
    if (!batch) return batch.error();
    batches.push_back(*std::move(batch));
  } else {
    auto latest = reader.FindByIdentity("", /*unfinished=*/true);
    if (!latest) return latest.error();
    if (*latest) batches.push_back(**std::move(latest));
  }
  if (batches.empty() && !config->quiet) {
    std::fputs("nothing to resume: no batch is unfinished\n", stderr);
  }
  ExitStatus worst = ExitStatus::kOk;
  for (const BatchView& batch : batches) {
    auto status = GoOn(**session, *config, batch, signals);
    if (!status) return status.error();
    if (signals.received() != 0) return *status;
    worst = std::max(worst, *status);
  }
  return worst;
}

Result<ExitStatus> RetryCommand(const Options& options, Signals& signals) {
  auto config = ProcessConfigFrom(options);
  if (!config) return config.error();
  std::optional<FailureCode> only;
  if (options.Given("only")) {
    only = FailureCodeFromName(options.Text("only"));
    if (!only) {
      return Error{ErrorCode::kUsage,
                   fmt::format("--only {}: no such failure; imgbatch status "
                               "BATCH lists those of a batch",
                               options.Text("only"))};
    }
  }
  auto session = Session::Open(*config);
  if (!session) return session.error();
  auto batch = (*session)->reader().FindBatch(options.arguments[0]);
  if (!batch) return batch.error();
  auto count =
      (*session)->store().Retry(batch->key, only, (*session)->clock().Now());
  if (!count) return count.error();
  if (*count == 0) {
    if (!config->quiet) {
      std::fprintf(stderr, "nothing to retry: no image of %s failed%s\n",
                   ShortId(batch->uuid).c_str(), only ? " like this" : "");
    }
    return ExitStatus::kOk;
  }
  auto now = (*session)->reader().ReadBatch(batch->key);
  if (!now) return now.error();
  return GoOn(**session, *config, *now, signals);
}

}  // namespace imgbatch
