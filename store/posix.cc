#include "store/posix.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace imgbatch {

File::~File() {
  if (descriptor_ >= 0) close(descriptor_);
}

Error FileError(std::string_view what, const std::string& path,
                int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return {full ? ErrorCode::kNoSpace : ErrorCode::kIo,
          std::string(what) + " " + path + ": " + std::strerror(error_number)};
}

Result<File> OpenFile(const std::string& path, int flags, unsigned mode) {
  int descriptor;
  do {
    descriptor = open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor >= 0) return File(descriptor);
  const int error_number = errno;
  Error error = FileError("cannot open", path, error_number);
  if (error_number == ENOENT) error.code = ErrorCode::kNotFound;
  errno = error_number;
  return error;
}

Result<File> OpenUnnamed(const std::string& folder) {
  Result<File> file = OpenFile(folder, O_TMPFILE | O_RDWR, 0600);
  if (file || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
    return file;
  }
  std::string pattern = folder + "/unnamed-XXXXXX";
  const int descriptor = mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0) return FileError("cannot create", pattern, errno);
  unlink(pattern.c_str());
  return File(descriptor);
}

Result<void> WriteAll(const File& file, std::span<const uint8_t> bytes,
                      const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written =
        write(file.descriptor(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("cannot write", path, errno);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<void> SyncFile(const File& file, const std::string& path) {
  // An interrupted fsync has not failed: nothing was reported yet.
  int status;
  do {
    status = fsync(file.descriptor());
  } while (status != 0 && errno == EINTR);
  if (status != 0) return FileError("cannot sync", path, errno);
  return {};
}

Result<void> SyncDirectory(const std::string& path) {
  Result<File> directory = OpenFile(path, O_RDONLY | O_DIRECTORY);
  if (!directory) return directory.error();
  return SyncFile(*directory, path);
}

Result<void> MakeDirectories(const std::string& path, unsigned mode) {
  if (mkdir(path.c_str(), mode) == 0) return SyncDirectory(ParentOf(path));
  if (errno == ENOENT && ParentOf(path) != path) {
    Result<void> parent = MakeDirectories(ParentOf(path), mode);
    if (!parent) return parent;
    if (mkdir(path.c_str(), mode) == 0) return SyncDirectory(ParentOf(path));
  }
  const int error_number = errno;
  struct stat status;
  if (error_number == EEXIST && stat(path.c_str(), &status) == 0 &&
      S_ISDIR(status.st_mode)) {
    return {};
  }
  return FileError("cannot create the directory", path, error_number);
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace imgbatch
