// Admits work against one number of bytes, first come, first served.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace imgbatch {

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t bytes) : total_(bytes) {}

  // Blocks until `bytes` fit. More than the whole budget waits until nothing
  // else is admitted and then runs alone.
  void Acquire(uint64_t bytes);
  void Release(uint64_t bytes);
  uint64_t total() const { return total_; }

 private:
  const uint64_t total_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t used_ = 0;         // Guarded by mutex_.
  uint64_t next_ticket_ = 0;  // Guarded by mutex_.
  uint64_t serving_ = 0;      // Guarded by mutex_.
};

}  // namespace imgbatch
