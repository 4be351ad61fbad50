#include "cli/drain.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/batch_text.h"
#include "cli/events.h"
#include "cli/leases.h"
#include "cli/progress.h"
#include "cli/quantities.h"
#include "cli/report.h"
#include "cli/row_reader.h"
#include "core/conductor.h"
#include "core/file_client.h"
#include "store/atomic_file.h"

namespace imgbatch {
namespace {

constexpr Milliseconds kLookForSeal{200};

class BothObservers final : public Observer {
 public:
  BothObservers(Observer& first, Observer* second)
      : first_(first), second_(second) {}
  void OnImage(const ImageEvent& event) override {
    first_.OnImage(event);
    if (second_ != nullptr) second_->OnImage(event);
  }
  void OnTurn(int in_flight) override {
    first_.OnTurn(in_flight);
    if (second_ != nullptr) second_->OnTurn(in_flight);
  }

 private:
  Observer& first_;
  Observer* second_;
};

Result<void> WriteOutput(Session& session, const BatchView& batch,
                         const Settings& settings,
                         std::vector<std::string>& warnings) {
  const std::string kept = session.KeptPath(batch.kept_input);
  if (settings.output_path == "-") {
    auto written = WriteReport(session.reader(), batch, settings, kept,
                               WriteToStandardOutput);
    if (!written) return written.error();
    warnings = *std::move(written);
    return {};
  }
  const auto as_output = [](const Error& error) {
    return Error{ErrorCode::kOutput, error.message};
  };
  auto file = AtomicFile::Create(settings.output_path);
  if (!file) return as_output(file.error());
  auto written = WriteReport(session.reader(), batch, settings, kept,
                             [&](std::string_view bytes) -> Result<void> {
                               auto appended = file->Write(bytes);
                               if (!appended)
                                 return as_output(appended.error());
                               return {};
                             });
  if (!written) return written.error();
  warnings = *std::move(written);
  auto committed = file->Commit();
  if (!committed) return as_output(committed.error());
  return {};
}

void SayHowToGoOn(const ProcessConfig& config, const BatchView& batch,
                  const char* why) {
  std::fprintf(
      stderr,
      "%s. %s of %s images are done and will not be fetched again.\n"
      "  go on with: %s\n",
      why, ShowCount(batch.tally.done).c_str(),
      ShowCount(batch.tally.total).c_str(),
      ResumeCommandLine(batch, config.store_given ? config.store : "").c_str());
}

Result<void> PrintFinished(Session& session, const BatchView& batch,
                           ExitStatus status) {
  auto json = BatchJson(session.reader(), batch);
  if (!json) return json.error();
  (*json)["exit"] = {{"code", static_cast<int>(status)},
                     {"name", Name(status)}};
  PrintEvent("finished", session.clock(), *json);
  return {};
}

// Locked, parsed, ready to go.
struct Work {
  BatchView batch;
  BatchPlan plan;
};

Result<DrainEnd> Drain(Session& session, const ProcessConfig& config,
                       const Work& work, Signals& signals) {
  auto http = MakeHttpClient(config);
  if (!http) return http.error();
  FileClient client(**http, work.plan.settings.file_root);
  const std::unique_ptr<Codec> codec = MakeCodec(work.plan.settings);
  Progress progress(session.reader(), session.clock(), work.batch.key,
                    DetectProgressStyle(config.quiet || config.json));
  EventPrinter events(session.reader(), session.clock(), work.batch);
  BothObservers observers(progress, config.json ? &events : nullptr);
  ConductorLimits limits = config.limits;
  limits.hosts.per_host = work.plan.settings.per_host;
  Conductor conductor({.store = session.store(),
                       .reader = session.reader(),
                       .pool = session.pool(),
                       .http = client,
                       .codec = *codec,
                       .journal = session.journal(),
                       .clock = session.clock(),
                       .observer = observers},
                      limits);
  std::unique_ptr<RowReader> row_reader;
  std::optional<Recording> recording;
  if (!work.batch.sealed) {
    row_reader = std::make_unique<RowReader>(session.paths(),
                                             work.plan.settings, work.batch);
    recording = Recording{work.batch.key, &row_reader->feed()};
  }
  signals.OnFirst([&conductor] { conductor.Stop(); });
  auto end = conductor.Drain(
      Scope{work.batch.key},
      [&work](BatchKey) -> Result<BatchPlan> { return work.plan; }, recording);
  signals.OnFirst(nullptr);
  if (conductor.HasAbandoned()) {
    // A picture is still being decoded and cannot be interrupted. Everything
    // is in the store; waiting for it would only break the promise of 2 s.
    const auto now = session.reader().ReadBatch(work.batch.key);
    if (now && !config.quiet) SayHowToGoOn(config, *now, "Interrupted");
    std::fflush(nullptr);
    _exit(static_cast<int>(signals.Status()));
  }
  return end;
}

}  // namespace

ExitStatus StatusOf(const Tally& tally, const FailOn& fail_on) {
  if (tally.failed == 0) return ExitStatus::kOk;
  const bool all = tally.failed == tally.total;
  bool counts = true;
  switch (fail_on.kind) {
    case FailOn::Kind::kNone:
      counts = false;
      break;
    case FailOn::Kind::kAny:
      break;
    case FailOn::Kind::kAll:
      counts = all;
      break;
    case FailOn::Kind::kCount:
      counts = tally.failed >= fail_on.limit;
      break;
    case FailOn::Kind::kPercent:
      counts = tally.failed * 100 >= fail_on.limit * tally.total;
      break;
  }
  if (!counts) return ExitStatus::kOk;
  return all ? ExitStatus::kAllFailed : ExitStatus::kSomeFailed;
}

Result<void> WriteToStandardOutput(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Error{ErrorCode::kOutput,
                   std::string("cannot write to standard output: ") +
                       std::strerror(errno)};
    }
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<ExitStatus> Report(Session& session, const ProcessConfig& config,
                          const BatchView& batch, Milliseconds took) {
  auto settings = ParseSettings(batch.settings);
  if (!settings) return settings.error();
  auto published =
      PublishImages(session.reader(), session.pool(), batch, *settings);
  if (!published) return published.error();
  std::vector<std::string> warnings;
  auto written = WriteOutput(session, batch, *settings, warnings);
  if (!written) return written.error();
  auto noted = session.store().NoteReported(batch.key, batch.round);
  if (!noted) return noted.error();
  const ExitStatus status = StatusOf(batch.tally, config.fail_on);
  for (const std::string& warning : warnings) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  if (config.json) {
    if (auto printed = PrintFinished(session, batch, status); !printed) {
      return printed.error();
    }
  } else if (!config.quiet || status != ExitStatus::kOk) {
    auto summary = Summary(session.reader(), batch, took);
    if (!summary) return summary.error();
    std::fputs(summary->c_str(), stderr);
    if (settings->output_path != "-") {
      std::fprintf(stderr, "wrote %s, images in %s\n",
                   settings->output_path.c_str(), settings->images_dir.c_str());
    }
  }
  return status;
}

Result<ExitStatus> DrainAndReport(Session& session, const ProcessConfig& config,
                                  BatchKey key, Signals& signals) {
  auto found = session.reader().ReadBatch(key);
  if (!found) return found.error();
  auto settings = ParseSettings(found->settings);
  if (!settings) return settings.error();
  auto recipe = ParseRecipe(found->recipe);
  if (!recipe) return recipe.error();
  std::vector<std::string> names{BatchLockName(found->uuid)};
  if (settings->output_path != "-") {
    names.push_back(OutputLockName(settings->output_path));
  }
  auto lease = Lease::Take(session.paths(), names, config.if_running, signals);
  if (!lease) return lease.error();
  if (lease->state() == LeaseState::kSkip) {
    if (!config.quiet) {
      std::fprintf(stderr, "skipped: another process works on %s\n",
                   ShortId(found->uuid).c_str());
    }
    return ExitStatus::kOk;
  }
  // What it was before the locks were ours may have changed.
  found = session.reader().ReadBatch(key);
  if (!found) return found.error();
  // Only one process records; whoever joins waits until that is over, or takes
  // the recording over from a process that died.
  while (lease->state() == LeaseState::kShared && !found->sealed) {
    if (signals.WaitFor(kLookForSeal)) return signals.Status();
    lease = Lease::Take(session.paths(), names, IfRunning::kJoin, signals);
    if (!lease) return lease.error();
    found = session.reader().ReadBatch(key);
    if (!found) return found.error();
  }

  const Milliseconds started = session.clock().Steady();
  if (!HasEnded(found->state)) {
    auto headers = HeaderRulesFrom(*settings);
    if (!headers) return headers.error();
    auto end =
        Drain(session, config,
              {*found,
               {*std::move(settings), *std::move(recipe), *std::move(headers)}},
              signals);
    if (!end) return end.error();
    found = session.reader().ReadBatch(key);
    if (!found) return found.error();
    if (*end != DrainEnd::kEnded) {
      const bool interrupted = *end == DrainEnd::kStopped;
      const ExitStatus status =
          interrupted ? signals.Status() : ExitStatus::kUnfinished;
      if (config.json) {
        if (auto printed = PrintFinished(session, *found, status); !printed) {
          return printed.error();
        }
      }
      SayHowToGoOn(config, *found,
                   interrupted ? "Interrupted" : "Stopped early as asked");
      return status;
    }
  }
  if (found->state == BatchState::kCancelled) {
    return Error{ErrorCode::kUsage,
                 ShortId(found->uuid) +
                     " was cancelled for good; run its input again to start "
                     "afresh"};
  }
  if (lease->state() == LeaseState::kShared) {
    // The other one writes the output, unless it died meanwhile.
    lease = Lease::Take(session.paths(), names, IfRunning::kSkip, signals);
    if (!lease) return lease.error();
    if (lease->state() == LeaseState::kSkip) {
      return StatusOf(found->tally, config.fail_on);
    }
  }
  return Report(session, config, *found, session.clock().Steady() - started);
}

}  // namespace imgbatch
