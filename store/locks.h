// Locks between processes that the kernel releases when their holder dies: no
// age, no heartbeat. They belong to the open file, so two locks within one
// process exclude each other as well.
#pragma once

#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "store/posix.h"

namespace imgbatch {

enum class LockMode { kShared, kExclusive };

// A lock that is held until this object is destroyed (or its process dies,
// however). The file stays: removing it would let two processes hold a lock
// each on two files of one name. Not inherited by programs that are started.
class FileLock {
 public:
  // kBusy when another holds it; the message names the holder's process when
  // it is known. Creates the file when it is missing.
  static Result<FileLock> Try(const std::string& path, LockMode mode);
  // Tries until `limit` has passed, then kBusy.
  static Result<FileLock> Wait(const std::string& path, LockMode mode,
                               Milliseconds limit);

  // Whether anybody holds a lock on the file; false when it is missing.
  static bool IsHeld(const std::string& path);
  // The process that holds the lock exclusively, as it noted it; 0: unknown.
  static int Holder(const std::string& path);

 private:
  explicit FileLock(File file) : file_(std::move(file)) {}
  File file_;
};

// A lock that is taken and released often, by one thread.
class ReusableLock {
 public:
  static Result<ReusableLock> Open(const std::string& path);
  // kBusy when `limit` has passed.
  Result<void> Acquire(Milliseconds limit);
  void Release();

 private:
  ReusableLock(File file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  File file_;
  std::string path_;
};

}  // namespace imgbatch
