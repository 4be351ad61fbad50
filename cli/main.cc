// Parses, dispatches, and turns an Error into an exit status; nothing else.
#include <cstdio>
#include <string>
#include <variant>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/signals.h"

namespace imgbatch {
namespace {

// Each picture allocates and frees megabytes. Left to itself glibc hands them
// back to the kernel every time, and a fifth of the time goes into page faults
// (measured 2026-11: 22 % more images a second with these settings).
void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_ARENA_MAX, 4);
#endif
}

Result<ExitStatus> Dispatch(const Options& options) {
  if (options.command == "version") return VersionCommand(options);
  if (options.command == "inspect") return InspectCommand(options);
  if (options.command == "export") return ExportCommand(options);
  if (options.command == "cancel") return CancelCommand(options);
  Signals signals;
  if (options.command == "status") return StatusCommand(options, signals);
  KeepFreedMemory();
  if (options.command == "run") return RunCommand(options, signals);
  if (options.command == "resume") return ResumeCommand(options, signals);
  return RetryCommand(options, signals);
}

int Complain(const Error& error) {
  std::fprintf(stderr, "imgbatch: %s\n", error.message.c_str());
  return static_cast<int>(StatusOf(error));
}

int Main(int argc, char** argv) {
  auto parsed = ParseOptions(argc, argv);
  if (!parsed) return Complain(parsed.error());
  if (const auto* help = std::get_if<HelpText>(&*parsed)) {
    std::fputs(help->text.c_str(), stdout);
    return 0;
  }
  auto status = Dispatch(std::get<Options>(*parsed));
  if (!status) return Complain(status.error());
  // A result that did not reach its reader is a failure (a full disk, a pipe
  // that was closed).
  if (std::fflush(stdout) != 0 && *status == ExitStatus::kOk) {
    return Complain({ErrorCode::kOutput, "cannot write to standard output"});
  }
  return static_cast<int>(*status);
}

}  // namespace
}  // namespace imgbatch

int main(int argc, char** argv) { return imgbatch::Main(argc, argv); }
