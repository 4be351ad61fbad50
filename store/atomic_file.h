// A file that appears complete or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "store/posix.h"

namespace imgbatch {

// Where a file is written before it gets the name `path`: beside it, under a
// name that depends on nothing else, so that what a killed process left behind
// is taken over by the next one.
std::string PartPathOf(const std::string& path);

// Write, then Commit(). Destroyed without that, nothing has happened. While it
// exists, nobody else can write the same file. One thread.
class AtomicFile {
 public:
  // Fails with kBusy when another process is writing this file, kOutput when
  // there is something at `path` that is not a regular file, kNoSpace, kIo.
  // An existing file keeps its permissions.
  static Result<AtomicFile> Create(std::string path);
  AtomicFile(AtomicFile&& other) noexcept = default;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  // Buffered. After a failure only destruction makes sense.
  Result<void> Write(std::string_view bytes);
  // Durable under its name when it succeeds.
  Result<void> Commit();

 private:
  AtomicFile(std::string path, File file)
      : path_(std::move(path)), file_(std::move(file)) {}
  Result<void> Flush();

  std::string path_;
  File file_;  // Not open: committed, or moved from.
  std::string buffer_;
};

}  // namespace imgbatch
