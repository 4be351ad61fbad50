// imgbatch version: what this build is made of.
#include <cstdio>

#include <fmt/format.h>

#include "cli/batch_json.h"
#include "cli/commands.h"

namespace imgbatch {
namespace {

#ifdef __clang__
constexpr char kCompiler[] = __VERSION__;  // "Clang 14.0.6".
#else
constexpr char kCompiler[] = "g++ " __VERSION__;
#endif

}  // namespace

Result<ExitStatus> VersionCommand(const Options& options) {
  if (options.Flag("json")) {
    std::puts(
        ToLine(Json{{"version", IMGBATCH_VERSION}, {"compiler", kCompiler}})
            .c_str());
  } else {
    fmt::print("imgbatch {}\ncompiled by {}\n", IMGBATCH_VERSION, kCompiler);
  }
  return ExitStatus::kOk;
}

}  // namespace imgbatch
