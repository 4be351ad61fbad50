// A library for LD_PRELOAD that counts the state-changing calls of a process
// (all its threads, one counter) and makes the n-th one fail, or be the last:
//
//   FAULT=kill:17      the process is killed instead of making call 17
//   FAULT=ENOSPC:17    call 17 fails; ENOSPC:17+ and every later one as well
//   FAULT=EIO:17  FAULT=EINTR:17  FAULT=EMFILE:17  likewise
//   FAULT_LOG=FILE     appends a line "<number> <call> <path>" per call
//
// Counted: write pwrite writev fsync fdatasync sync_file_range rename link
// linkat unlink ftruncate fallocate mkdir copy_file_range, and open with
// O_CREAT or O_TMPFILE. EMFILE strikes at any open; EIO strikes only where a
// disk can tell it, at writes and syncs.
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

enum class Fault { kNone, kKill, kError };
enum class Call { kWrite, kSync, kName, kOpen };

struct Plan {
  Fault fault = Fault::kNone;
  int error_number = 0;
  long at = 0;
  bool from_there_on = false;
  const char* log = nullptr;
};

Plan ReadPlan() {
  Plan plan;
  plan.log = getenv("FAULT_LOG");
  const char* text = getenv("FAULT");
  const char* colon = text == nullptr ? nullptr : strchr(text, ':');
  if (colon == nullptr) return plan;
  plan.at = atol(colon + 1);
  plan.from_there_on = text[strlen(text) - 1] == '+';
  plan.fault = Fault::kError;
  if (strncmp(text, "kill", 4) == 0) plan.fault = Fault::kKill;
  if (strncmp(text, "ENOSPC", 6) == 0) plan.error_number = ENOSPC;
  if (strncmp(text, "EIO", 3) == 0) plan.error_number = EIO;
  if (strncmp(text, "EINTR", 5) == 0) plan.error_number = EINTR;
  if (strncmp(text, "EMFILE", 6) == 0) plan.error_number = EMFILE;
  return plan;
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Calls that must not be counted: our own, and those of other subsystems.
thread_local bool inside = false;

// The file of a descriptor, for the log.
const char* PathOf(int descriptor) {
  static thread_local char path[4096];
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  path[size > 0 ? size : 0] = 0;
  return path;
}

bool CanMeet(int error_number, Call call) {
  switch (error_number) {
    case EMFILE:
      return call == Call::kOpen;
    case EIO:
      return call == Call::kWrite || call == Call::kSync;
    case EINTR:
      // No local file system lets a sync be interrupted, and SQLite takes that
      // for a failed one.
      return call == Call::kWrite;
    default:
      return true;
  }
}

// True when the call must fail; errno is set then.
bool Strikes(const char* name, Call call, const char* path) {
  static const Plan plan = ReadPlan();
  static std::atomic<long> count{0};
  if (inside || (plan.fault == Fault::kNone && plan.log == nullptr)) {
    return false;
  }
  if (plan.fault == Fault::kError && !CanMeet(plan.error_number, call)) {
    return false;
  }
  const long number = ++count;
  if (plan.log != nullptr) {
    inside = true;
    if (FILE* log = fopen(plan.log, "ae")) {
      fprintf(log, "%ld %s %s\n", number, name, path);
      fclose(log);
    }
    inside = false;
  }
  const bool now =
      number == plan.at || (plan.from_there_on && number > plan.at);
  if (!now || plan.fault == Fault::kNone) return false;
  if (plan.fault == Fault::kKill) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  errno = plan.error_number;
  return true;
}

// Terminals and pipes keep nothing.
bool IsFile(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && !S_ISFIFO(status.st_mode) &&
         !S_ISSOCK(status.st_mode) && !S_ISCHR(status.st_mode);
}

}  // namespace

extern "C" {

#define COUNTED(result, name, call, where, parameters, arguments, condition) \
  result name parameters {                                                   \
    static auto* const real = Real<result parameters>(#name);                \
    if ((condition) && Strikes(#name, call, where)) return -1;               \
    return real arguments;                                                   \
  }

COUNTED(ssize_t, write, Call::kWrite, PathOf(fd),
        (int fd, const void* data, size_t n), (fd, data, n), IsFile(fd))
COUNTED(ssize_t, writev, Call::kWrite, PathOf(fd),
        (int fd, const struct iovec* parts, int n), (fd, parts, n), IsFile(fd))
COUNTED(ssize_t, pwrite, Call::kWrite, PathOf(fd),
        (int fd, const void* data, size_t n, off_t at), (fd, data, n, at), true)
COUNTED(ssize_t, pwrite64, Call::kWrite, PathOf(fd),
        (int fd, const void* data, size_t n, off64_t at), (fd, data, n, at),
        true)
COUNTED(ssize_t, copy_file_range, Call::kWrite, PathOf(to),
        (int from, off64_t* from_at, int to, off64_t* to_at, size_t n,
         unsigned flags),
        (from, from_at, to, to_at, n, flags), true)
COUNTED(int, fsync, Call::kSync, PathOf(fd), (int fd), (fd), true)
COUNTED(int, fdatasync, Call::kSync, PathOf(fd), (int fd), (fd), true)
COUNTED(int, ftruncate, Call::kWrite, PathOf(fd), (int fd, off_t size),
        (fd, size), true)
COUNTED(int, ftruncate64, Call::kWrite, PathOf(fd), (int fd, off64_t size),
        (fd, size), true)
COUNTED(int, fallocate, Call::kWrite, PathOf(fd),
        (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), true)
COUNTED(int, rename, Call::kName, to, (const char* from, const char* to),
        (from, to), true)
COUNTED(int, link, Call::kName, to, (const char* from, const char* to),
        (from, to), true)
COUNTED(int, linkat, Call::kName, to,
        (int from_at, const char* from, int to_at, const char* to, int flags),
        (from_at, from, to_at, to, flags), true)
COUNTED(int, unlink, Call::kName, path, (const char* path), (path), true)
COUNTED(int, mkdir, Call::kName, path, (const char* path, mode_t mode),
        (path, mode), true)

#define COUNTED_OPEN(name)                                             \
  int name(const char* path, int flags, ...) {                         \
    static auto* const real = Real<int(const char*, int, ...)>(#name); \
    va_list arguments;                                                 \
    va_start(arguments, flags);                                        \
    const mode_t mode = va_arg(arguments, mode_t);                     \
    va_end(arguments);                                                 \
    const bool creates =                                               \
        (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;    \
    if (creates && Strikes(#name, Call::kOpen, path)) return -1;       \
    return real(path, flags, mode);                                    \
  }

COUNTED_OPEN(open)
COUNTED_OPEN(open64)

}  // extern "C"
