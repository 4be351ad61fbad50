// What the store needs of the operating system, with EINTR and short writes
// handled and failures as Errors that name the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"

namespace imgbatch {

// An open file descriptor, closed when destroyed. -1: none.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~File();

  int descriptor() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  // The caller closes it now.
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

// "<what> <path>: <reason>". A full disk or quota is kNoSpace, everything else
// kIo. `error_number` is an errno.
Error FileError(std::string_view what, const std::string& path,
                int error_number);

// open(2) with O_CLOEXEC. Failures are FileErrors, a missing file kNotFound;
// errno tells the rest.
Result<File> OpenFile(const std::string& path, int flags, unsigned mode = 0644);

// A file for reading and writing that has no name and is gone with its
// descriptor.
Result<File> OpenUnnamed(const std::string& folder);

Result<void> WriteAll(const File& file, std::span<const uint8_t> bytes,
                      const std::string& path);

// fsync(2). After a failure the file's state on disk is unknown: discard it,
// a second fsync may lie.
Result<void> SyncFile(const File& file, const std::string& path);

// Makes the entries of a directory durable.
Result<void> SyncDirectory(const std::string& path);

// Creates a directory and its missing parents; existing ones are fine. What
// is created gets `mode`, and its entry is durable when this returns.
Result<void> MakeDirectories(const std::string& path, unsigned mode);

// "a/b" of "a/b/c"; "." of "c"; "/" of "/c".
std::string ParentOf(const std::string& path);

}  // namespace imgbatch
