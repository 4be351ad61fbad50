#include "core/memory_budget.h"

#include <algorithm>

namespace imgbatch {

void MemoryBudget::Acquire(uint64_t bytes) {
  std::unique_lock lock(mutex_);
  const uint64_t ticket = next_ticket_++;
  const uint64_t needed = std::min(bytes, total_);
  changed_.wait(lock,
                [&] { return ticket == serving_ && used_ + needed <= total_; });
  used_ += needed;
  ++serving_;
  changed_.notify_all();
}

void MemoryBudget::Release(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= std::min(bytes, total_);
  changed_.notify_all();
}

}  // namespace imgbatch
