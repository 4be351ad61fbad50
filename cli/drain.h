// What run, resume and retry have in common: work on one batch until it has
// ended, then write its output CSV.
#pragma once

#include "cli/config.h"
#include "cli/exit_status.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "core/job_reader.h"
#include "core/result.h"

namespace imgbatch {

// Drains and reports. Prints progress, the summary or how to go on. The caller
// holds nothing: the locks are taken here.
Result<ExitStatus> DrainAndReport(Session& session, const ProcessConfig& config,
                                  BatchKey batch, Signals& signals);

// Publishes what is missing and writes the output CSV of a batch again; the
// status is that of its images.
Result<ExitStatus> Report(Session& session, const ProcessConfig& config,
                          const BatchView& batch, Milliseconds took);

// What the images' failures amount to.
ExitStatus StatusOf(const Tally& tally, const FailOn& fail_on);

// A sink that writes to standard output.
Result<void> WriteToStandardOutput(std::string_view bytes);

}  // namespace imgbatch
