#include "cli/images_directory.h"

#include <filesystem>

#include <fcntl.h>

#include "store/posix.h"

namespace imgbatch {
namespace {

// An empty file that says whose directory this is.
constexpr char kMark[] = ".imgbatch";

}  // namespace

Result<void> PrepareImagesDirectory(const std::string& path,
                                    ForeignFiles foreign) {
  namespace fs = std::filesystem;
  const auto fail = [&](const std::string& why) {
    return Error{ErrorCode::kOutput,
                 why + "; choose another directory with --images"};
  };
  if (auto made = MakeDirectories(path, 0755); !made) {
    return fail(made.error().message);
  }
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    return fail(path + " is not a directory");
  }
  const std::string mark = path + "/" + kMark;
  if (!fs::exists(mark, error) && foreign == ForeignFiles::kRefuse) {
    const bool empty = fs::is_empty(path, error);
    if (error) return fail("cannot read " + path + ": " + error.message());
    if (!empty) {
      return Error{ErrorCode::kOutput,
                   path +
                       " holds files that imgbatch did not make; choose "
                       "another directory with --images, or write beside them "
                       "with --force"};
    }
  }
  auto file = OpenFile(mark, O_WRONLY | O_CREAT);
  if (!file) return fail(file.error().message);
  return {};
}

}  // namespace imgbatch
