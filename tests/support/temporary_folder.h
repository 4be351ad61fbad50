// A folder of its own for a test, removed with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/result.h"

namespace imgbatch {

class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& in =
                               std::filesystem::temp_directory_path()) {
    std::string pattern = (in / "imgbatch-XXXXXX").string();
    IMGBATCH_ASSERT(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

}  // namespace imgbatch
