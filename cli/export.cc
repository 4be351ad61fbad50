// imgbatch export and cancel.
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "cli/batch_json.h"
#include "cli/batch_text.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/drain.h"
#include "cli/report.h"
#include "cli/session.h"
#include "store/atomic_file.h"

namespace imgbatch {
namespace {

Result<void> WriteExport(JobReader& reader, const StorePaths& paths,
                         const BatchView& batch, bool json_lines,
                         const ByteSink& sink) {
  auto settings = ParseSettings(batch.settings);
  if (!settings) return settings.error();
  if (json_lines) return WriteJsonLines(reader, batch, *settings, sink);
  auto written = WriteReport(reader, batch, *settings,
                             paths.files + "/" + batch.kept_input, sink);
  if (!written) return written.error();
  return {};
}

}  // namespace

Result<ExitStatus> ExportCommand(const Options& options) {
  auto path = StorePathFrom(options);
  if (!path) return path.error();
  const std::string format =
      options.Given("format") ? options.Text("format") : "csv";
  if (format != "csv" && format != "jsonl") {
    return Error{ErrorCode::kUsage,
                 "--format " + format + ": type csv or jsonl"};
  }
  if (!options.Given("output")) {
    return Error{ErrorCode::kUsage,
                 "where to? name a file with -o, or - for standard output"};
  }
  auto reader = OpenReader(*path);
  if (!reader) return reader.error();
  auto batch = (*reader)->FindBatch(options.arguments[0]);
  if (!batch) return batch.error();
  const StorePaths paths(*path);
  const bool json_lines = format == "jsonl";
  const std::string& output = options.Text("output");
  if (output == "-") {
    auto written =
        WriteExport(**reader, paths, *batch, json_lines, WriteToStandardOutput);
    if (!written) return written.error();
    return ExitStatus::kOk;
  }
  const auto as_output = [](const Error& error) {
    return Error{ErrorCode::kOutput, error.message};
  };
  auto file = AtomicFile::Create(std::filesystem::absolute(output).string());
  if (!file) return as_output(file.error());
  auto written =
      WriteExport(**reader, paths, *batch, json_lines,
                  [&](std::string_view bytes) { return file->Write(bytes); });
  if (!written) return written.error();
  if (auto done = file->Commit(); !done) return as_output(done.error());
  if (!HasEnded(batch->state)) {
    std::fprintf(stderr,
                 "%s is not finished: images that are not done have an empty "
                 "place\n",
                 ShortId(batch->uuid).c_str());
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> CancelCommand(const Options& options) {
  auto config = ProcessConfigFrom(options);
  if (!config) return config.error();
  auto session = Session::Open(*config);
  if (!session) return session.error();
  auto batch = (*session)->reader().FindBatch(options.arguments[0]);
  if (!batch) return batch.error();
  auto cancelled =
      (*session)->store().Cancel(batch->key, (*session)->clock().Now());
  if (!cancelled) return cancelled.error();
  auto now = (*session)->reader().ReadBatch(batch->key);
  if (!now) return now.error();
  if (config->json) {
    auto json = BatchJson((*session)->reader(), *now);
    if (!json) return json.error();
    std::puts(ToLine(*json).c_str());
  } else {
    std::fprintf(stderr, "%s is cancelled; what is done stays\n",
                 ShortId(now->uuid).c_str());
  }
  return ExitStatus::kOk;
}

}  // namespace imgbatch
