// imgbatch.toml: defaults for options.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace imgbatch {

struct FileOption {
  std::string name;   // With hyphens, as on the command line.
  std::string value;  // As it would be typed there; switches "true", "false".
  int line = 0;
};
struct OptionsFile {
  std::string path;
  std::vector<FileOption> entries;
};

// Reads `path`, or, when it is empty, ./imgbatch.toml or
// $XDG_CONFIG_HOME/imgbatch/imgbatch.toml, whichever is there first; nothing
// there: no entries. kUsage with file and line for what cannot be read.
Result<OptionsFile> ReadOptionsFile(const std::string& path);

}  // namespace imgbatch
