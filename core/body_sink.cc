#include "core/body_sink.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace imgbatch {
namespace {

constexpr size_t kUnannouncedBytes = 64 << 10;

}  // namespace

BodySink::~BodySink() { Reset(); }

void BodySink::Start(uint64_t expected) {
  Reset();
  hasher_ = Hasher();
  limit_ =
      expected > 0 ? memory_bytes_ : std::min(memory_bytes_, kUnannouncedBytes);
  if (expected > memory_bytes_) {
    OpenFile();
  } else {
    memory_.reserve(static_cast<size_t>(expected));
  }
}

bool BodySink::Write(std::span<const uint8_t> bytes) {
  hasher_.Update(bytes);
  size_ += bytes.size();
  if (file_ < 0 && !no_file_ && size_ > limit_) {
    OpenFile();
    if (file_ >= 0) {
      const std::vector<uint8_t> before = std::exchange(memory_, {});
      if (!Spill(before)) return false;
    }
  }
  return Spill(bytes);
}

Result<BodySink::Finished> BodySink::Finish() {
  Finished finished;
  finished.hash = hasher_.Finish();
  if (file_ >= 0) {
    auto body =
        Body::Map(std::exchange(file_, -1), static_cast<size_t>(in_file_));
    if (!body) return body.error();
    finished.body = *std::move(body);
  } else {
    finished.body = Body(std::exchange(memory_, {}));
  }
  Reset();
  return finished;
}

void BodySink::Reset() {
  if (file_ >= 0) close(file_);
  file_ = -1;
  no_file_ = false;
  in_file_ = 0;
  size_ = 0;
  memory_ = {};
}

void BodySink::OpenFile() {
  file_ = open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0) {  // Not every file system knows O_TMPFILE.
    std::string name = directory_ + "/imgbatch-XXXXXX";
    file_ = mkostemp(name.data(), O_CLOEXEC);
    if (file_ >= 0) unlink(name.c_str());
  }
  no_file_ = file_ < 0;
}

bool BodySink::Spill(std::span<const uint8_t> bytes) {
  while (file_ >= 0 && !bytes.empty()) {
    const ssize_t written = write(file_, bytes.data(), bytes.size());
    if (written > 0) {
      in_file_ += static_cast<uint64_t>(written);
      bytes = bytes.subspan(static_cast<size_t>(written));
    } else if (written == 0 || errno != EINTR) {
      if (!BringBack()) return false;
    }
  }
  memory_.insert(memory_.end(), bytes.begin(), bytes.end());
  return true;
}

bool BodySink::BringBack() {
  no_file_ = true;
  memory_.resize(static_cast<size_t>(in_file_));
  size_t have = 0;
  while (have < memory_.size()) {
    const ssize_t got = pread(file_, memory_.data() + have,
                              memory_.size() - have, static_cast<off_t>(have));
    if (got > 0) {
      have += static_cast<size_t>(got);
    } else if (got == 0 || errno != EINTR) {
      break;
    }
  }
  close(std::exchange(file_, -1));
  return have == memory_.size();
}

}  // namespace imgbatch
