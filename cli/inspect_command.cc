// imgbatch inspect: from options to cli/inspect.
#include <cstdio>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/inspect.h"

namespace imgbatch {

Result<ExitStatus> InspectCommand(const Options& options) {
  if (options.Flag("json") && options.Flag("rows")) {
    return Error{ErrorCode::kUsage,
                 "--json and --rows are two answers; "
                 "choose one"};
  }
  InspectOptions inspect;
  inspect.path = options.arguments[0];
  inspect.csv = {.delimiter = options.Text("delimiter"),
                 .encoding = options.Text("encoding"),
                 .dialect = options.Text("dialect"),
                 .image_columns = options.Text("image-columns"),
                 .allow_file = options.Flag("allow-file")};
  if (inspect.csv.allow_file) inspect.file_root = DirectoryOf(inspect.path);
  if (options.Flag("json")) inspect.form = InspectOptions::Form::kJson;
  if (options.Flag("rows")) inspect.form = InspectOptions::Form::kRows;
  if (auto done = Inspect(inspect, stdout, stderr); !done) return done.error();
  return ExitStatus::kOk;
}

}  // namespace imgbatch
