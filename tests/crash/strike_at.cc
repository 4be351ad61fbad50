// A library for LD_PRELOAD that strikes at the n-th system call with which a
// program changes files: write, fsync, rename, link, unlink, ftruncate, mkdir,
// creating open and the like, on regular files and directories. The counter is
// the process's, so that n means the same with one worker and with eight.
//
//   STRIKE_AT=N      which call; 0 or missing: none
//   STRIKE_HOW=...   kill   dies before the call (the default)
//                    torn   writes half of what it was to write, then dies
//                    or the name of an errno: the call fails with it
//   STRIKE_FOR=...   once (default), or ever: all calls from the n-th on fail
//   STRIKE_WHAT=...  state (default); files: every open and every new
//                    descriptor instead, for EMFILE
//   STRIKE_LOG=FILE  gets one line about the strike
//   STRIKE_NO_SYNC=1 fsync and fdatasync succeed without doing anything
//
// Everything goes through syscall(2): nothing here needs the C library's own
// functions of these names.
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

struct ErrnoName {
  const char* name;
  int value;
};
constexpr ErrnoName kErrnos[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},
                                 {"EINTR", EINTR},   {"EMFILE", EMFILE},
                                 {"EDQUOT", EDQUOT}, {"EACCES", EACCES},
                                 {"EROFS", EROFS}};

bool Is(const char* variable, const char* value) {
  const char* set = getenv(variable);
  return set != nullptr && std::strcmp(set, value) == 0;
}

struct Plan {
  long at = 0;
  int error = 0;  // 0: kill.
  bool torn = false;
  bool for_ever = false;
  bool files = false;
  bool no_sync = false;
  const char* log = nullptr;

  Plan() {
    if (const char* text = getenv("STRIKE_AT")) at = std::atol(text);
    for (const ErrnoName& known : kErrnos) {
      if (Is("STRIKE_HOW", known.name)) error = known.value;
    }
    torn = Is("STRIKE_HOW", "torn");
    for_ever = Is("STRIKE_FOR", "ever");
    files = Is("STRIKE_WHAT", "files");
    no_sync = Is("STRIKE_NO_SYNC", "1");
    log = getenv("STRIKE_LOG");
  }
};

const Plan& ThePlan() {
  static const Plan plan;
  return plan;
}

std::atomic<long> calls{0};

// Regular files and directories count, pipes, sockets and terminals do not;
// neither does what was redirected to standard output and error.
bool Counts(int descriptor) {
  struct stat about;
  return descriptor > STDERR_FILENO && fstat(descriptor, &about) == 0 &&
         (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode));
}

void Note(long call, const char* name, int descriptor, const char* path) {
  if (ThePlan().log == nullptr) return;
  char resolved[PATH_MAX] = "";
  if (path == nullptr) {
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const long size =
        syscall(SYS_readlinkat, AT_FDCWD, link, resolved, sizeof resolved - 1);
    resolved[size < 0 ? 0 : size] = '\0';
    path = resolved;
  }
  char line[PATH_MAX + 100];
  const int size =
      std::snprintf(line, sizeof line, "%ld %s %s\n", call, name, path);
  const long file = syscall(SYS_openat, AT_FDCWD, ThePlan().log,
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return;
  syscall(SYS_write, file, line, static_cast<size_t>(size));
  syscall(SYS_close, file);
}

void Die() {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) pause();
}

// POSIX lets these be interrupted; names are changed at once or not at all,
// and no local file system lets a sync be interrupted.
bool CanBeInterrupted(const char* name) {
  return std::strstr(name, "write") != nullptr ||
         std::strstr(name, "truncate") != nullptr ||
         std::strcmp(name, "create") == 0 || std::strcmp(name, "open") == 0;
}

// What is to happen to a call: 0 nothing, an errno, or -1: write half and die.
int Strike(const char* name, int descriptor, const char* path) {
  const Plan& plan = ThePlan();
  if (plan.at == 0) return 0;
  const long call = ++calls;
  if (call != plan.at && !(plan.for_ever && call > plan.at)) return 0;
  if (call == plan.at) Note(call, name, descriptor, path);
  if (plan.error == EINTR && !CanBeInterrupted(name)) return 0;
  if (plan.error != 0) return plan.error;
  if (plan.torn) return -1;
  Die();
  return 0;
}

int StrikeState(const char* name, int descriptor, const char* path) {
  return ThePlan().files ? 0 : Strike(name, descriptor, path);
}

long Failed(int error) {
  errno = error;
  return -1;
}

// --- Descriptors. -----------------------------------------------------------

int Open(int directory, const char* path, int flags, unsigned mode) {
  const bool creates =
      (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  int error = 0;
  if (ThePlan().files) {
    error = Strike("open", -1, path);
  } else if (creates) {
    error = Strike("create", -1, path);
    if (error < 0) Die();
  }
  if (error > 0) return static_cast<int>(Failed(error));
  return static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
}

unsigned ModeOf(int flags, va_list arguments) {
  const bool creates =
      (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return creates ? va_arg(arguments, unsigned) : 0;
}

// Whole is what the call would do; `half` does less of the same.
template <typename Whole, typename Half>
long Write(const char* name, int descriptor, Whole whole, Half half) {
  if (!Counts(descriptor)) return whole();
  const int error = StrikeState(name, descriptor, nullptr);
  if (error > 0) return Failed(error);
  if (error < 0) {
    half();
    Die();
  }
  return whole();
}

template <typename Call>
long Change(const char* name, int descriptor, const char* path, Call call) {
  if (path == nullptr && !Counts(descriptor)) return call();
  const int error = StrikeState(name, descriptor, path);
  if (error > 0) return Failed(error);
  if (error < 0) Die();
  return call();
}

}  // namespace

extern "C" {

#define IMGBATCH_OPEN(name)                         \
  int name(const char* path, int flags, ...) {      \
    va_list arguments;                              \
    va_start(arguments, flags);                     \
    const unsigned mode = ModeOf(flags, arguments); \
    va_end(arguments);                              \
    return Open(AT_FDCWD, path, flags, mode);       \
  }
#define IMGBATCH_OPENAT(name)                                 \
  int name(int directory, const char* path, int flags, ...) { \
    va_list arguments;                                        \
    va_start(arguments, flags);                               \
    const unsigned mode = ModeOf(flags, arguments);           \
    va_end(arguments);                                        \
    return Open(directory, path, flags, mode);                \
  }
IMGBATCH_OPEN(open)
IMGBATCH_OPEN(open64)
IMGBATCH_OPENAT(openat)
IMGBATCH_OPENAT(openat64)
int __open_2(const char* path, int flags) {
  return Open(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
  return Open(AT_FDCWD, path, flags, 0);
}
int creat(const char* path, mode_t mode) {
  return Open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int socket(int domain, int type, int protocol) {
  const int error = ThePlan().files ? Strike("socket", -1, "-") : 0;
  if (error > 0) return static_cast<int>(Failed(error));
  return static_cast<int>(syscall(SYS_socket, domain, type, protocol));
}

ssize_t write(int file, const void* bytes, size_t size) {
  return Write(
      "write", file, [&] { return syscall(SYS_write, file, bytes, size); },
      [&] { syscall(SYS_write, file, bytes, size / 2); });
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  return Write(
      "pwrite", file,
      [&] { return syscall(SYS_pwrite64, file, bytes, size, at); },
      [&] { syscall(SYS_pwrite64, file, bytes, size / 2, at); });
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  return pwrite64(file, bytes, size, at);
}
ssize_t writev(int file, const struct iovec* parts, int count) {
  return Write(
      "writev", file, [&] { return syscall(SYS_writev, file, parts, count); },
      [&] { syscall(SYS_writev, file, parts, count / 2); });
}
ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at,
                        size_t size, unsigned flags) {
  return Write(
      "copy_file_range", to,
      [&] {
        return syscall(SYS_copy_file_range, from, from_at, to, to_at, size,
                       flags);
      },
      [&] {
        struct stat about;
        const size_t have =
            fstat(from, &about) == 0 ? static_cast<size_t>(about.st_size) : 2;
        syscall(SYS_copy_file_range, from, from_at, to, to_at,
                (size < have ? size : have) / 2, flags);
      });
}
int ftruncate64(int file, off64_t size) {
  return static_cast<int>(Change("ftruncate", file, nullptr, [&] {
    return syscall(SYS_ftruncate, file, size);
  }));
}
int ftruncate(int file, off_t size) { return ftruncate64(file, size); }
int posix_fallocate64(int file, off64_t at, off64_t size) {
  const long result = Change("fallocate", file, nullptr, [&] {
    return syscall(SYS_fallocate, file, 0, at, size);
  });
  return result == 0 ? 0 : errno;
}
int posix_fallocate(int file, off_t at, off_t size) {
  return posix_fallocate64(file, at, size);
}
int fallocate64(int file, int mode, off64_t at, off64_t size) {
  return static_cast<int>(Change("fallocate", file, nullptr, [&] {
    return syscall(SYS_fallocate, file, mode, at, size);
  }));
}
int fallocate(int file, int mode, off_t at, off_t size) {
  return fallocate64(file, mode, at, size);
}

int fsync(int file) {
  return static_cast<int>(Change("fsync", file, nullptr, [&] {
    return ThePlan().no_sync ? 0 : syscall(SYS_fsync, file);
  }));
}
int fdatasync(int file) {
  return static_cast<int>(Change("fdatasync", file, nullptr, [&] {
    return ThePlan().no_sync ? 0 : syscall(SYS_fdatasync, file);
  }));
}

int renameat2(int from, const char* old_path, int to, const char* new_path,
              unsigned flags) {
  return static_cast<int>(Change("rename", -1, new_path, [&] {
    return syscall(SYS_renameat2, from, old_path, to, new_path, flags);
  }));
}
int renameat(int from, const char* old_path, int to, const char* new_path) {
  return renameat2(from, old_path, to, new_path, 0);
}
int rename(const char* old_path, const char* new_path) {
  return renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}
int linkat(int from, const char* old_path, int to, const char* new_path,
           int flags) {
  return static_cast<int>(Change("link", -1, new_path, [&] {
    return syscall(SYS_linkat, from, old_path, to, new_path, flags);
  }));
}
int link(const char* old_path, const char* new_path) {
  return linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}
int unlinkat(int directory, const char* path, int flags) {
  return static_cast<int>(Change("unlink", -1, path, [&] {
    return syscall(SYS_unlinkat, directory, path, flags);
  }));
}
int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) {
  const int result = unlink(path);
  return result != 0 && errno == EISDIR ? rmdir(path) : result;
}
int mkdirat(int directory, const char* path, mode_t mode) {
  return static_cast<int>(Change("mkdir", -1, path, [&] {
    return syscall(SYS_mkdirat, directory, path, mode);
  }));
}
int mkdir(const char* path, mode_t mode) {
  return mkdirat(AT_FDCWD, path, mode);
}

}  // extern "C"
