// A library for LD_PRELOAD that records everything a program does to files
// under one directory, in an order that really happened: each call and its
// record are one step under a mutex. power_states.cc replays it.
//
//   RECORD_UNDER=DIR   absolute; calls on other files are not recorded
//   RECORD_LOG=FILE    records are appended, so that several processes, one
//                      after the other, make one story
//
// Not recorded: SQLite's -shm file and other mapped memory. After a power loss
// nobody believes it.
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/io_record.h"

namespace {

using imgbatch::testing::IoOp;
using imgbatch::testing::IoRecord;

std::mutex& Mutex() {
  static std::mutex mutex;
  return mutex;
}

const std::string& Under() {
  static const std::string under = [] {
    const char* set = getenv("RECORD_UNDER");
    return set == nullptr ? std::string() : std::string(set) + "/";
  }();
  return under;
}

std::string Absolute(const char* path) {
  if (path[0] == '/') return path;
  char directory[PATH_MAX];
  if (syscall(SYS_getcwd, directory, sizeof directory) <= 0) return path;
  return std::string(directory) + "/" + path;
}

std::string PathOf(int descriptor) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path);
  return size <= 0 ? std::string() : std::string(path, size_t(size));
}

// The path below the recorded directory; empty: none of ours.
std::string Ours(const std::string& path) {
  const std::string& under = Under();
  if (under.empty()) return "";
  if (path + "/" == under) return ".";
  if (!path.starts_with(under)) return "";
  std::string rest = path.substr(under.size());
  while (rest.starts_with("./")) rest.erase(0, 2);
  if (rest.ends_with("-shm") || rest.find(".files/tmp") != std::string::npos) {
    return "";
  }
  return rest;
}

std::string OursAt(int descriptor) {
  struct stat about;
  if (Under().empty() || descriptor <= STDERR_FILENO ||
      fstat(descriptor, &about) != 0 ||
      !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) {
    return "";
  }
  return Ours(PathOf(descriptor));
}

uint64_t InodeOf(int descriptor) {
  struct stat about;
  return fstat(descriptor, &about) == 0 ? about.st_ino : 0;
}

uint64_t InodeOf(const char* path) {
  struct stat about;
  return lstat(path, &about) == 0 ? about.st_ino : 0;
}

void Append(IoOp op, uint64_t inode, uint64_t number, const std::string& path,
            const void* data, size_t size) {
  const int error = errno;
  static const int log = static_cast<int>(
      syscall(SYS_openat, AT_FDCWD, getenv("RECORD_LOG"),
              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  IoRecord record{};
  record.op = op;
  record.inode = inode;
  record.number = number;
  record.path_bytes = static_cast<uint32_t>(path.size());
  record.data_bytes = static_cast<uint32_t>(size);
  std::string bytes(reinterpret_cast<const char*>(&record), sizeof record);
  bytes += path;
  bytes.append(static_cast<const char*>(data), size);
  syscall(SYS_write, log, bytes.data(), bytes.size());
  errno = error;
}

int Open(const char* path, int flags, unsigned mode) {
  const std::string ours = Ours(Absolute(path));
  const std::lock_guard lock(Mutex());
  const bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
  const bool existed = ours.empty() || unnamed || InodeOf(path) != 0;
  const int file =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (file < 0 || ours.empty()) return file;
  if (unnamed) {
    Append(IoOp::kUnnamed, InodeOf(file), 0, "", "", 0);
  } else if (!existed) {
    Append(IoOp::kCreate, InodeOf(file), 0, ours, "", 0);
  } else if ((flags & O_TRUNC) != 0) {
    Append(IoOp::kTruncate, InodeOf(file), 0, ours, "", 0);
  }
  return file;
}

unsigned ModeOf(int flags, va_list arguments) {
  const bool creates =
      (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return creates ? va_arg(arguments, unsigned) : 0;
}

int Sync(int number, int file) {
  const std::string ours = OursAt(file);
  const std::lock_guard lock(Mutex());
  const int result = static_cast<int>(syscall(number, file));
  if (result != 0 || ours.empty()) return result;
  struct stat about;
  fstat(file, &about);
  Append(S_ISDIR(about.st_mode) ? IoOp::kSyncDirectory : IoOp::kSync,
         about.st_ino, 0, ours, "", 0);
  return result;
}

// After a call that wrote `size` bytes which end at the file's position.
void AppendWrite(int file, const void* bytes, ssize_t size) {
  const off_t end = lseek(file, 0, SEEK_CUR);
  Append(IoOp::kWrite, InodeOf(file), static_cast<uint64_t>(end - size), "",
         bytes, static_cast<size_t>(size));
}

}  // namespace

extern "C" {

#define IMGBATCH_OPEN(name)                         \
  int name(const char* path, int flags, ...) {      \
    va_list arguments;                              \
    va_start(arguments, flags);                     \
    const unsigned mode = ModeOf(flags, arguments); \
    va_end(arguments);                              \
    return Open(path, flags, mode);                 \
  }
IMGBATCH_OPEN(open)
IMGBATCH_OPEN(open64)
int __open_2(const char* path, int flags) { return Open(path, flags, 0); }
int __open64_2(const char* path, int flags) { return Open(path, flags, 0); }

ssize_t write(int file, const void* bytes, size_t size) {
  if (OursAt(file).empty()) return syscall(SYS_write, file, bytes, size);
  const std::lock_guard lock(Mutex());
  const ssize_t written = syscall(SYS_write, file, bytes, size);
  if (written > 0) AppendWrite(file, bytes, written);
  return written;
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  const bool ours = !OursAt(file).empty();
  const std::lock_guard lock(Mutex());
  const ssize_t written = syscall(SYS_pwrite64, file, bytes, size, at);
  if (ours && written > 0) {
    Append(IoOp::kWrite, InodeOf(file), static_cast<uint64_t>(at), "", bytes,
           static_cast<size_t>(written));
  }
  return written;
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  return pwrite64(file, bytes, size, at);
}
ssize_t writev(int file, const struct iovec* parts, int count) {
  if (OursAt(file).empty()) return syscall(SYS_writev, file, parts, count);
  ssize_t all = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t one = write(file, parts[i].iov_base, parts[i].iov_len);
    if (one < 0) return all > 0 ? all : one;
    all += one;
    if (static_cast<size_t>(one) < parts[i].iov_len) break;
  }
  return all;
}
// Callers fall back to read and write.
ssize_t copy_file_range(int, off64_t*, int, off64_t*, size_t, unsigned) {
  errno = EXDEV;
  return -1;
}
int ftruncate64(int file, off64_t size) {
  const bool ours = !OursAt(file).empty();
  const std::lock_guard lock(Mutex());
  const int result = static_cast<int>(syscall(SYS_ftruncate, file, size));
  if (ours && result == 0) {
    Append(IoOp::kTruncate, InodeOf(file), static_cast<uint64_t>(size), "", "",
           0);
  }
  return result;
}
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int fsync(int file) { return Sync(SYS_fsync, file); }
int fdatasync(int file) { return Sync(SYS_fdatasync, file); }

int rename(const char* old_path, const char* new_path) {
  const std::lock_guard lock(Mutex());
  const int result = static_cast<int>(
      syscall(SYS_renameat2, AT_FDCWD, old_path, AT_FDCWD, new_path, 0));
  const std::string from = Ours(Absolute(old_path));
  const std::string to = Ours(Absolute(new_path));
  if (result == 0 && !from.empty() && !to.empty()) {
    Append(IoOp::kRename, InodeOf(new_path), 0, from, to.data(), to.size());
  }
  return result;
}
int linkat(int from, const char* old_path, int to, const char* new_path,
           int flags) {
  const std::lock_guard lock(Mutex());
  const int result = static_cast<int>(
      syscall(SYS_linkat, from, old_path, to, new_path, flags));
  const std::string path = Ours(Absolute(new_path));
  if (result == 0 && !path.empty()) {
    Append(IoOp::kLink, InodeOf(new_path), 0, path, "", 0);
  }
  return result;
}
int link(const char* old_path, const char* new_path) {
  return linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}
int unlink(const char* path) {
  const std::lock_guard lock(Mutex());
  const int result = static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  const std::string ours = Ours(Absolute(path));
  if (result == 0 && !ours.empty()) {
    Append(IoOp::kUnlink, 0, 0, ours, "", 0);
  }
  return result;
}
int mkdir(const char* path, mode_t mode) {
  const std::lock_guard lock(Mutex());
  const int result =
      static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
  const std::string ours = Ours(Absolute(path));
  if (result == 0 && !ours.empty()) {
    Append(IoOp::kMakeDirectory, 0, 0, ours, "", 0);
  }
  return result;
}

}  // extern "C"
