// imgbatch version: what this build is made of.
#include <cstdio>

#include <fmt/format.h>

#include "cli/batch_json.h"
#include "cli/commands.h"

namespace imgbatch {

Result<ExitStatus> VersionCommand(const Options& options) {
  if (options.Flag("json")) {
    std::puts(
        ToLine(Json{{"version", IMGBATCH_VERSION}, {"compiler", __VERSION__}})
            .c_str());
  } else {
    fmt::print("imgbatch {}\ncompiled by {}\n", IMGBATCH_VERSION, __VERSION__);
  }
  return ExitStatus::kOk;
}

}  // namespace imgbatch
