#include "store/local_pool.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "store/atomic_file.h"

namespace imgbatch {
namespace {

constexpr size_t kHashDigits = 64;

std::string DirectoryName(int number) {
  constexpr char kDigits[] = "0123456789abcdef";
  return {kDigits[number >> 4], kDigits[number & 15]};
}

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Keys come back from the database: nothing else may become a path.
bool IsKey(const PoolKey& key) {
  if (key.size() < kHashDigits) return false;
  for (size_t i = 0; i < kHashDigits; ++i) {
    if (DigitValue(key[i]) < 0) return false;
  }
  return key.find('/', kHashDigits) == std::string::npos;
}

Error NoSuchKey(const PoolKey& key) {
  return {ErrorCode::kNotFound, "the pool has no " + key};
}

bool HasSize(const std::string& path, uint64_t size) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         static_cast<uint64_t>(status.st_size) == size;
}

bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat first, second;
  return lstat(a.c_str(), &first) == 0 && lstat(b.c_str(), &second) == 0 &&
         first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

Error NotHere(const std::string& directory) {
  return {ErrorCode::kUnsupported, "no unnamed files in " + directory};
}

// A file without a name gets one when it is complete: nothing to sweep.
Result<void> WriteUnnamed(const std::string& directory, const std::string& path,
                          std::span<const uint8_t> bytes) {
  Result<File> file = OpenFile(directory, O_TMPFILE | O_WRONLY, 0644);
  if (!file && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    return NotHere(directory);
  }
  if (!file) return file.error();
  Result<void> done = WriteAll(*file, bytes, path);
  if (done) done = SyncFile(*file, path);
  if (!done) return done;
  const std::string open_file =
      "/proc/self/fd/" + std::to_string(file->descriptor());
  if (linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, path.c_str(),
             AT_SYMLINK_FOLLOW) == 0 ||
      errno == EEXIST) {
    return {};
  }
  if (errno == ENOENT || errno == EXDEV || errno == EPERM) {
    return NotHere(directory);  // No /proc, or no links.
  }
  return FileError("cannot create", path, errno);
}

// Where files without a name do not exist, and over a damaged file.
Result<void> WriteRenamed(const std::string& path,
                          std::span<const uint8_t> bytes) {
  static std::atomic<uint64_t> count{0};  // Names differ, nothing more.
  const std::string part = PartPathOf(path) + "." + std::to_string(getpid()) +
                           "." + std::to_string(count++);
  Result<File> file =
      OpenFile(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
  if (!file) return file.error();
  Result<void> done = WriteAll(*file, bytes, path);
  if (done) done = SyncFile(*file, path);
  if (done && std::rename(part.c_str(), path.c_str()) != 0) {
    done = FileError("cannot create", path, errno);
  }
  if (!done) unlink(part.c_str());
  return done;
}

// The bytes of one file into another, without passing through this process
// where the kernel can.
Result<void> CopyBytes(const File& from, const File& to,
                       const std::string& path) {
  for (;;) {
    const ssize_t copied =
        copy_file_range(from.descriptor(), nullptr, to.descriptor(), nullptr,
                        size_t{1} << 30, 0);
    if (copied == 0) return {};
    if (copied < 0 && errno != EINTR) break;
  }
  std::array<uint8_t, 65536> buffer;
  for (;;) {
    const ssize_t size = read(from.descriptor(), buffer.data(), buffer.size());
    if (size == 0) return {};
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FileError("cannot read for", path, errno);
    const Result<void> written =
        WriteAll(to, std::span(buffer.data(), static_cast<size_t>(size)), path);
    if (!written) return written;
  }
}

Result<void> PublishCopy(const std::string& source, const std::string& path) {
  Result<File> from = OpenFile(source, O_RDONLY | O_NOFOLLOW);
  if (!from) return from.error();
  const std::string part = PartPathOf(path);
  unlink(part.c_str());
  Result<File> to =
      OpenFile(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  if (!to) return to.error();
  Result<void> done = CopyBytes(*from, *to, path);
  if (done) done = SyncFile(*to, path);
  if (done && std::rename(part.c_str(), path.c_str()) != 0) {
    done = FileError("cannot create", path, errno);
  }
  if (!done) unlink(part.c_str());
  return done;
}

// Puts a link in the place of what is there. The temporary name is always the
// same, so that the next attempt removes what a killed one left.
Result<void> PublishOver(const std::string& source, const std::string& path) {
  if (IsSameFile(source, path)) return {};
  const std::string part = PartPathOf(path);
  unlink(part.c_str());
  if (link(source.c_str(), part.c_str()) != 0) {
    return PublishCopy(source, path);
  }
  if (std::rename(part.c_str(), path.c_str()) == 0) return {};
  const Error error = FileError("cannot create", path, errno);
  unlink(part.c_str());
  return error;
}

}  // namespace

Result<void> DirectorySync::Await() {
  std::unique_lock lock(mutex_);
  const uint64_t ticket = ++asked_;
  while (!broken_ && synced_ < ticket) {
    if (running_) {
      finished_.wait(lock);
      continue;
    }
    running_ = true;
    const uint64_t covered = asked_;
    lock.unlock();
    const Result<void> result = SyncDirectory(path_);
    lock.lock();
    running_ = false;
    if (result) {
      synced_ = covered;
    } else {
      broken_ = result.error();
    }
    finished_.notify_all();
  }
  return broken_ ? Result<void>(*broken_) : Result<void>();
}

LocalPool::LocalPool(std::string folder)
    : folder_(std::move(folder)), sync_(folder_) {
  for (int i = 0; i < 256; ++i) {
    directories_[static_cast<size_t>(i)] =
        std::make_unique<Directory>(folder_ + "/" + DirectoryName(i));
  }
}

Result<std::unique_ptr<LocalPool>> LocalPool::Create(
    const std::string& folder) {
  const Result<void> made = MakeDirectories(folder, 0700);
  if (!made) return made.error();
  return std::unique_ptr<LocalPool>(new LocalPool(folder));
}

Result<PoolKey> LocalPool::Put(std::span<const uint8_t> bytes,
                               std::string_view extension) {
  const PoolKey key = ToHex(HashOf(bytes)) + "." + std::string(extension);
  const std::string path = PathOf(key);
  const int number = DigitValue(key[0]) << 4 | DigitValue(key[1]);
  Directory& directory = *directories_[static_cast<size_t>(number)];
  Result<void> done = Make(directory, ParentOf(path));
  if (done && !HasSize(path, bytes.size())) {
    done = WriteUnnamed(ParentOf(path), path, bytes);
    // Not possible here, or something damaged had the name already.
    if ((done && !HasSize(path, bytes.size())) ||
        (!done && done.error().code == ErrorCode::kUnsupported)) {
      done = WriteRenamed(path, bytes);
    }
  }
  // Also when it was there: whoever wrote it may not have come so far.
  if (done) done = directory.sync.Await();
  if (!done) return done.error();
  return key;
}

// Even when it is there it may not be durable: a process that was killed may
// have made it and nothing more.
Result<void> LocalPool::Make(Directory& directory, const std::string& path) {
  const std::lock_guard lock(directory.mutex);
  if (directory.is_made) return {};
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return FileError("cannot create the directory", path, errno);
  }
  Result<void> synced = sync_.Await();
  directory.is_made = synced.has_value();
  return synced;
}

Result<void> LocalPool::Publish(const PoolKey& key, const std::string& path) {
  if (!IsKey(key)) return NoSuchKey(key);
  const std::string source = PathOf(key);
  if (link(source.c_str(), path.c_str()) == 0) return {};
  int error_number = errno;
  struct stat status;
  if (error_number == ENOENT) {
    if (lstat(source.c_str(), &status) != 0) return NoSuchKey(key);
    const Result<void> made = MakeDirectories(ParentOf(path), 0755);
    if (!made) return made;
    if (link(source.c_str(), path.c_str()) == 0) return {};
    error_number = errno;
  }
  switch (error_number) {
    case EEXIST:
      return PublishOver(source, path);
    case EXDEV:
    case EMLINK:
    case EPERM:
    case ENOTSUP:
    case ENOSYS:
      return PublishCopy(source, path);
    default:
      return FileError("cannot create", path, error_number);
  }
}

Result<Body> LocalPool::Open(const PoolKey& key) {
  if (!IsKey(key)) return NoSuchKey(key);
  const std::string path = PathOf(key);
  Result<File> file = OpenFile(path, O_RDONLY | O_NOFOLLOW);
  if (!file && file.error().code == ErrorCode::kNotFound) {
    return NoSuchKey(key);
  }
  if (!file) return file.error();
  struct stat status;
  if (fstat(file->descriptor(), &status) != 0) {
    return FileError("cannot read", path, errno);
  }
  return Body::Map(file->Release(), static_cast<size_t>(status.st_size));
}

Result<bool> LocalPool::Contains(const PoolKey& key, uint64_t size) {
  return IsKey(key) && HasSize(PathOf(key), size);
}

Result<void> LocalPool::Remove(const PoolKey& key) {
  if (!IsKey(key)) return {};
  const std::string path = PathOf(key);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FileError("cannot remove", path, errno);
  }
  return {};
}

std::string LocalPool::PathOf(const PoolKey& key) const {
  return folder_ + "/" + key.substr(0, 2) + "/" + key;
}

}  // namespace imgbatch
