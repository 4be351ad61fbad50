#include "cli/distinct.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

namespace imgbatch {
namespace {

constexpr size_t kChunk = 8192;  // Hashes read at once, of each run.

Error TemporaryFileError() {
  return {ErrorCode::kIo,
          std::string("cannot use a temporary file: ") + std::strerror(errno)};
}

}  // namespace

DistinctCounter::DistinctCounter(size_t in_memory) : in_memory_(in_memory) {}

Result<void> DistinctCounter::Add(std::string_view text) {
  buffer_.push_back(std::hash<std::string_view>()(text));
  if (buffer_.size() < in_memory_) return {};
  SortBuffer();
  // Few different ones: more may come before a run is worth it.
  if (buffer_.size() < in_memory_ / 2) return {};
  return WriteRun();
}

Result<int64_t> DistinctCounter::Count() {
  SortBuffer();
  if (runs_.empty()) return static_cast<int64_t>(buffer_.size());
  Result<void> written = WriteRun();
  if (!written) return written.error();

  std::vector<std::pair<uint64_t, Run*>> heap;  // The smallest first.
  const auto later = [](const auto& a, const auto& b) {
    return a.first > b.first;
  };
  const auto push = [&](Run& run) -> Result<void> {
    Result<bool> loaded = Load(run);
    if (!loaded) return loaded.error();
    if (*loaded) {
      heap.emplace_back(run.chunk[run.at++], &run);
      std::push_heap(heap.begin(), heap.end(), later);
    }
    return {};
  };
  for (Run& run : runs_) {
    Result<void> pushed = push(run);
    if (!pushed) return pushed.error();
  }
  int64_t count = 0;
  uint64_t last = 0;
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const auto [hash, run] = heap.back();
    heap.pop_back();
    if (count == 0 || hash != last) ++count;
    last = hash;
    Result<void> pushed = push(*run);
    if (!pushed) return pushed.error();
  }
  return count;
}

void DistinctCounter::SortBuffer() {
  std::sort(buffer_.begin(), buffer_.end());
  buffer_.erase(std::unique(buffer_.begin(), buffer_.end()), buffer_.end());
}

Result<void> DistinctCounter::WriteRun() {
  if (file_ == nullptr) file_.reset(std::tmpfile());
  if (file_ == nullptr) return TemporaryFileError();
  if (std::fwrite(buffer_.data(), sizeof(uint64_t), buffer_.size(),
                  file_.get()) != buffer_.size()) {
    return TemporaryFileError();
  }
  Run run;
  run.next = written_;
  written_ += buffer_.size();
  run.end = written_;
  runs_.push_back(std::move(run));
  buffer_.clear();
  return {};
}

Result<bool> DistinctCounter::Load(Run& run) {
  if (run.at < run.chunk.size()) return true;
  if (run.next == run.end) return false;
  run.chunk.resize(
      static_cast<size_t>(std::min<uint64_t>(kChunk, run.end - run.next)));
  run.at = 0;
  const auto offset = static_cast<off_t>(run.next * sizeof(uint64_t));
  if (fseeko(file_.get(), offset, SEEK_SET) != 0 ||
      std::fread(run.chunk.data(), sizeof(uint64_t), run.chunk.size(),
                 file_.get()) != run.chunk.size()) {
    return TemporaryFileError();
  }
  run.next += run.chunk.size();
  return true;
}

}  // namespace imgbatch
