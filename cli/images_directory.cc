#include "cli/images_directory.h"

#include <filesystem>
#include <fstream>
#include <span>

#include <fcntl.h>

#include "store/posix.h"

namespace imgbatch {
namespace {

// A file that says whose directory this is: the input's path.
constexpr char kMark[] = ".imgbatch";

}  // namespace

Result<void> PrepareImagesDirectory(const std::string& path,
                                    const std::string& input,
                                    ForeignFiles foreign) {
  namespace fs = std::filesystem;
  const auto fail = [&](const std::string& why) {
    return Error{ErrorCode::kOutput,
                 why +
                     "; choose another directory with --images, or "
                     "write beside them with --force"};
  };
  if (auto made = MakeDirectories(path, 0755); !made) {
    return Error{
        ErrorCode::kOutput,
        made.error().message + "; choose another directory with --images"};
  }
  std::error_code error;
  const std::string mark = path + "/" + kMark;
  if (foreign == ForeignFiles::kRefuse) {
    std::string before;
    std::getline(std::ifstream(mark), before);
    if (!before.empty() && before != input) {
      return fail(path + " holds the images of " + before);
    }
    if (!fs::exists(mark, error)) {
      const bool empty = fs::is_empty(path, error);
      if (error) return fail("cannot read " + path + ": " + error.message());
      if (!empty) return fail(path + " holds files that imgbatch did not make");
    }
  }
  auto file = OpenFile(mark, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return fail(file.error().message);
  const std::string line = input + "\n";
  auto written = WriteAll(
      *file,
      std::span(reinterpret_cast<const uint8_t*>(line.data()), line.size()),
      mark);
  if (!written) return fail(written.error().message);
  return {};
}

}  // namespace imgbatch
