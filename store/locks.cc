#include "store/locks.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace imgbatch {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct flock WholeFile(short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// 0, or the errno; EAGAIN when another holds it.
int TryLock(const File& file, LockMode mode) {
  struct flock lock = WholeFile(mode == LockMode::kShared ? F_RDLCK : F_WRLCK);
  while (fcntl(file.descriptor(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EACCES) return EAGAIN;
    if (errno != EINTR) return errno;
  }
  return 0;
}

// Polls: a blocking wait in the kernel has no time limit. Waits are short at
// first because write transactions are.
int LockWithin(const File& file, LockMode mode, Milliseconds limit) {
  const auto end = SteadyClock::now() + limit;
  std::chrono::microseconds pause{50};
  for (;;) {
    const int error_number = TryLock(file, mode);
    if (error_number != EAGAIN || SteadyClock::now() >= end) {
      return error_number;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds{2000});
  }
}

Error BusyError(const std::string& path) {
  const int holder = FileLock::Holder(path);
  std::string who = "another process";
  if (holder > 0) who += " (" + std::to_string(holder) + ")";
  return {ErrorCode::kBusy, who + " holds " + path};
}

Error LockError(const std::string& path, int error_number) {
  if (error_number == EAGAIN) return BusyError(path);
  return FileError("cannot lock", path, error_number);
}

// For people and messages only; a failure to write it changes nothing.
void NoteHolder(const File& file) {
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(file.descriptor(), 0) != 0) return;
  [[maybe_unused]] const ssize_t written =
      pwrite(file.descriptor(), text.data(), text.size(), 0);
}

}  // namespace

Result<FileLock> FileLock::Try(const std::string& path, LockMode mode) {
  return Wait(path, mode, Milliseconds{0});
}

Result<FileLock> FileLock::Wait(const std::string& path, LockMode mode,
                                Milliseconds limit) {
  Result<File> file = OpenFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return file.error();
  const int error_number = LockWithin(*file, mode, limit);
  if (error_number != 0) return LockError(path, error_number);
  if (mode == LockMode::kExclusive) NoteHolder(*file);
  return FileLock(*std::move(file));
}

bool FileLock::IsHeld(const std::string& path) {
  const Result<File> file = OpenFile(path, O_RDWR | O_NOFOLLOW);
  if (!file) return file.error().code != ErrorCode::kNotFound;
  struct flock lock = WholeFile(F_WRLCK);
  if (fcntl(file->descriptor(), F_OFD_GETLK, &lock) != 0) return true;
  return lock.l_type != F_UNLCK;
}

int FileLock::Holder(const std::string& path) {
  const Result<File> file = OpenFile(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return 0;
  char text[16] = {};
  const ssize_t size = pread(file->descriptor(), text, sizeof text - 1, 0);
  return size > 0 ? std::atoi(text) : 0;
}

Result<ReusableLock> ReusableLock::Open(const std::string& path) {
  Result<File> file = OpenFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return file.error();
  return ReusableLock(*std::move(file), path);
}

Result<void> ReusableLock::Acquire(Milliseconds limit) {
  const int error_number = LockWithin(file_, LockMode::kExclusive, limit);
  if (error_number != 0) return LockError(path_, error_number);
  return {};
}

void ReusableLock::Release() {
  struct flock lock = WholeFile(F_UNLCK);
  fcntl(file_.descriptor(), F_OFD_SETLK, &lock);
}

}  // namespace imgbatch
