// One function per command. Each prints its own results; an Error that comes
// back is printed and turned into an exit status by main.
#pragma once

#include "cli/exit_status.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "core/result.h"

namespace imgbatch {

Result<ExitStatus> RunCommand(const Options& options, Signals& signals);
Result<ExitStatus> ResumeCommand(const Options& options, Signals& signals);
Result<ExitStatus> RetryCommand(const Options& options, Signals& signals);
Result<ExitStatus> StatusCommand(const Options& options, Signals& signals);
Result<ExitStatus> ExportCommand(const Options& options);
Result<ExitStatus> InspectCommand(const Options& options);
Result<ExitStatus> CancelCommand(const Options& options);
Result<ExitStatus> VersionCommand(const Options& options);

}  // namespace imgbatch
