#include "store/atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace imgbatch {
namespace {

int Truncate(const File& file) {
  int result = 0;
  do {
    result = ftruncate(file.descriptor(), 0);
  } while (result != 0 && errno == EINTR);
  return result;
}

constexpr size_t kBufferBytes = 256 << 10;

std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Whether the name still belongs to the open file: another process may have
// renamed or removed it between our open and our lock.
bool IsStillAt(const File& file, const std::string& path) {
  struct stat open_file, named_file;
  return fstat(file.descriptor(), &open_file) == 0 &&
         lstat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino &&
         open_file.st_dev == named_file.st_dev;
}

}  // namespace

std::string PartPathOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(0, name) + "." + path.substr(name) + ".imgbatch-part";
}

Result<AtomicFile> AtomicFile::Create(std::string path) {
  struct stat target;
  unsigned mode = 0644;
  const bool exists = stat(path.c_str(), &target) == 0;
  if (exists && !S_ISREG(target.st_mode)) {
    return Error{ErrorCode::kOutput, path + " is not a regular file"};
  }
  const std::string part = PartPathOf(path);
  for (;;) {
    Result<File> file = OpenFile(part, O_WRONLY | O_CREAT | O_NOFOLLOW, mode);
    if (!file) return file.error();
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    if (fcntl(file->descriptor(), F_OFD_SETLK, &lock) != 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EACCES) {
        return Error{ErrorCode::kBusy, "another process is writing " + path};
      }
      return FileError("cannot lock", part, errno);
    }
    if (!IsStillAt(*file, part)) continue;
    if (Truncate(*file) != 0) {
      return FileError("cannot write", part, errno);
    }
    if (exists) fchmod(file->descriptor(), target.st_mode & 07777);
    return AtomicFile(std::move(path), *std::move(file));
  }
}

AtomicFile::~AtomicFile() {
  if (file_.is_open()) unlink(PartPathOf(path_).c_str());
}

Result<void> AtomicFile::Write(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() >= kBufferBytes ? Flush() : Result<void>();
}

Result<void> AtomicFile::Flush() {
  const Result<void> written = WriteAll(file_, BytesOf(buffer_), path_);
  buffer_.clear();
  return written;
}

Result<void> AtomicFile::Commit() {
  Result<void> done = Flush();
  if (done) done = SyncFile(file_, path_);
  if (!done) return done;
  if (std::rename(PartPathOf(path_).c_str(), path_.c_str()) != 0) {
    return FileError("cannot rename to", path_, errno);
  }
  file_ = File();
  return SyncDirectory(ParentOf(path_));
}

}  // namespace imgbatch
