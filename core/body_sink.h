// Collects the body of a response while it arrives: in memory while it is
// small, in an unlinked temporary file when it is not. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/body.h"
#include "core/hash.h"
#include "core/result.h"

namespace imgbatch {

class BodySink {
 public:
  // `directory` is for bodies above `memory_bytes`, or above 64 KiB when no
  // length was announced: those may not end.
  BodySink(std::string directory, size_t memory_bytes)
      : directory_(std::move(directory)), memory_bytes_(memory_bytes) {}
  BodySink(const BodySink&) = delete;
  BodySink& operator=(const BodySink&) = delete;
  ~BodySink();

  // Begins a new body; `expected` bytes or 0, as announced and not believed.
  void Start(uint64_t expected);
  // Keeps and hashes them. A temporary file that cannot be written is no
  // failure: its bytes come back into memory and the rest joins them. False
  // only when they do not come back.
  bool Write(std::span<const uint8_t> bytes);
  uint64_t size() const { return size_; }

  struct Finished {
    Body body;
    Sha256 hash{};
  };
  Result<Finished> Finish();
  // Drops what is there.
  void Reset();

 private:
  void OpenFile();
  bool Spill(std::span<const uint8_t> bytes);
  bool BringBack();

  std::string directory_;
  size_t memory_bytes_;
  size_t limit_ = 0;  // Of the body under way.
  std::vector<uint8_t> memory_;
  int file_ = -1;
  bool no_file_ = false;  // One was tried in vain.
  uint64_t in_file_ = 0;
  uint64_t size_ = 0;
  Hasher hasher_;
};

}  // namespace imgbatch
