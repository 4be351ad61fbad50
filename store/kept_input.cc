#include "store/kept_input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/posix.h"

namespace imgbatch {
namespace {

// A copy under way: named only when it is complete and durable.
struct Copy {
  KeptInput kept;
  std::string part;
  File file;
  bool finished = false;

  ~Copy() {
    if (!finished && !part.empty()) unlink(part.c_str());
  }
};

Result<void> Begin(const StorePaths& paths, const std::string& uuid,
                   Copy& copy) {
  copy.kept = KeptInputOf(paths, uuid);
  copy.part = copy.kept.path + ".part";
  Result<File> file =
      OpenFile(copy.part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!file) return file.error();
  copy.file = *std::move(file);
  return {};
}

Result<KeptInput> Finish(Copy& copy) {
  Result<void> done = SyncFile(copy.file, copy.part);
  if (!done) return done.error();
  if (std::rename(copy.part.c_str(), copy.kept.path.c_str()) != 0) {
    return FileError("cannot create", copy.kept.path, errno);
  }
  copy.finished = true;
  done = SyncDirectory(ParentOf(copy.kept.path));
  if (!done) return done.error();
  return copy.kept;
}

Result<void> CopyStream(Copy& copy, int descriptor, uint64_t max_bytes) {
  std::array<uint8_t, 65536> buffer;
  for (;;) {
    const ssize_t size = read(descriptor, buffer.data(), buffer.size());
    if (size == 0) return {};
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      return Error{ErrorCode::kInput, std::string("cannot read the input: ") +
                                          std::strerror(errno)};
    }
    copy.kept.bytes += static_cast<uint64_t>(size);
    if (copy.kept.bytes > max_bytes) {
      return Error{
          ErrorCode::kTooLarge,
          "the input has more than " + std::to_string(max_bytes) + " bytes"};
    }
    const Result<void> written =
        WriteAll(copy.file, std::span(buffer.data(), static_cast<size_t>(size)),
                 copy.part);
    if (!written) return written;
  }
}

constexpr uint64_t kChunk = uint64_t{32} << 20;  // Between looks at `stop`.

bool IsStopped(const std::atomic<bool>* stop) {
  return stop != nullptr && *stop;
}

// Shares the blocks, or lets the kernel copy; false when it cannot.
bool CopyInKernel(const File& from, Copy& copy, uint64_t size,
                  const std::atomic<bool>* stop) {
  if (ioctl(copy.file.descriptor(), FICLONE, from.descriptor()) == 0) {
    copy.kept.bytes = size;
    return true;
  }
  while (copy.kept.bytes < size && !IsStopped(stop)) {
    const ssize_t copied = copy_file_range(
        from.descriptor(), nullptr, copy.file.descriptor(), nullptr,
        static_cast<size_t>(std::min(size - copy.kept.bytes, kChunk)), 0);
    if (copied < 0 && errno == EINTR) continue;
    // What was copied is no loss: reading goes on from there.
    if (copied <= 0) return false;
    copy.kept.bytes += static_cast<uint64_t>(copied);
    // The disk begins at once; the sync at the end has little left to wait for.
    sync_file_range(copy.file.descriptor(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
  return true;
}

bool IsUnchanged(const struct stat& before, const struct stat& after) {
  return before.st_size == after.st_size &&
         before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
         before.st_mtim.tv_nsec == after.st_mtim.tv_nsec;
}

}  // namespace

KeptInput KeptInputOf(const StorePaths& paths, const std::string& uuid) {
  const std::string relative = "inputs/" + uuid + ".csv";
  return {relative, paths.files + "/" + relative, 0};
}

Result<KeptInput> KeepFile(const StorePaths& paths, const std::string& uuid,
                           const std::string& source,
                           const std::atomic<bool>* stop) {
  const auto refuse = [&source](const std::string& why) {
    return Error{ErrorCode::kInput, source + why};
  };
  // Without waiting, should it be a pipe without a writer.
  const Result<File> from = OpenFile(source, O_RDONLY | O_NONBLOCK);
  if (!from) return refuse(std::string(": ") + std::strerror(errno));
  struct stat before, after;
  if (fstat(from->descriptor(), &before) != 0) {
    return refuse(std::string(": ") + std::strerror(errno));
  }
  if (S_ISDIR(before.st_mode)) return refuse(" is a directory, not a CSV file");
  Copy copy;
  Result<void> done = Begin(paths, uuid, copy);
  if (!done) return done.error();
  if (!S_ISREG(before.st_mode)) {
    // A pipe or a device, such as the shell's <(…): read it to its end.
    fcntl(from->descriptor(), F_SETFL, 0);
    done = CopyStream(copy, from->descriptor(), UINT64_MAX);
    if (!done) return done.error();
    return Finish(copy);
  }
  if (!CopyInKernel(*from, copy, static_cast<uint64_t>(before.st_size), stop)) {
    done = CopyStream(copy, from->descriptor(), UINT64_MAX);
    if (!done) return done.error();
  }
  if (IsStopped(stop)) {
    return Error{ErrorCode::kCancelled, "copying the input was stopped"};
  }
  if (fstat(from->descriptor(), &after) != 0 || !IsUnchanged(before, after)) {
    return refuse(" changed while it was read; wait until it is complete");
  }
  return Finish(copy);
}

Result<KeptInput> KeepStream(const StorePaths& paths, const std::string& uuid,
                             int descriptor, uint64_t max_bytes) {
  Copy copy;
  Result<void> done = Begin(paths, uuid, copy);
  if (done) done = CopyStream(copy, descriptor, max_bytes);
  if (!done) return done.error();
  return Finish(copy);
}

}  // namespace imgbatch
