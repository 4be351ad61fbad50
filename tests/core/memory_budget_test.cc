#include "core/memory_budget.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

TEST(MemoryBudget, NeverAdmitsMoreThanItHas) {
  MemoryBudget budget(100);
  std::atomic<int> used = 0;
  std::atomic<int> highest = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const int bytes = 10 + 10 * i;
      for (int round = 0; round < 200; ++round) {
        budget.Acquire(static_cast<uint64_t>(bytes));
        const int now = used += bytes;
        int seen = highest;
        while (now > seen && !highest.compare_exchange_weak(seen, now)) {
        }
        used -= bytes;
        budget.Release(static_cast<uint64_t>(bytes));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(highest, 100);
}

TEST(MemoryBudget, LetsWhatIsTooLargeRunAlone) {
  MemoryBudget budget(100);
  budget.Acquire(1000);
  std::atomic<bool> admitted = false;
  std::thread other([&] {
    budget.Acquire(1);
    admitted = true;
    budget.Release(1);
  });
  EXPECT_FALSE(admitted);
  budget.Release(1000);
  other.join();
  EXPECT_TRUE(admitted);
}

}  // namespace
}  // namespace imgbatch
