// Counts how many different texts there are among any number of them, in
// 16 MiB of memory: what does not fit goes to sorted runs in a temporary file.
// Texts are told apart by 64 bits: of 10 million different ones, two would be
// taken for one with a chance of 3 in a million. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace imgbatch {

class DistinctCounter {
 public:
  // `in_memory` 8-byte hashes are kept before a run is written.
  explicit DistinctCounter(size_t in_memory = size_t{2} << 20);

  // kIo when the temporary file cannot be written.
  Result<void> Add(std::string_view text);
  // How many were different. Call once, at the end.
  Result<int64_t> Count();

 private:
  struct Run {
    uint64_t next = 0;  // Hashes in the file, from its beginning.
    uint64_t end = 0;
    std::vector<uint64_t> chunk;
    size_t at = 0;  // Of chunk.
  };
  void SortBuffer();
  Result<void> WriteRun();
  // The run's smallest hash is at `at` of its chunk, or false at its end.
  Result<bool> Load(Run& run);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  size_t in_memory_;
  std::vector<uint64_t> buffer_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<Run> runs_;
  uint64_t written_ = 0;
};

}  // namespace imgbatch
