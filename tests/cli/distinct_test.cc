#include "cli/distinct.h"

#include <string>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

int64_t CountOf(size_t in_memory, int texts, int different) {
  DistinctCounter counter(in_memory);
  for (int i = 0; i < texts; ++i) {
    EXPECT_TRUE(counter.Add("https://e.com/" + std::to_string(i % different)));
  }
  Result<int64_t> count = counter.Count();
  EXPECT_TRUE(count);
  return count ? *count : -1;
}

TEST(DistinctCounter, CountsInMemory) {
  EXPECT_EQ(CountOf(1024, 100, 7), 7);
  EXPECT_EQ(CountOf(1024, 0, 1), 0);
}

TEST(DistinctCounter, CountsTheSameWithRunsOnDisk) {
  EXPECT_EQ(CountOf(64, 50'000, 20'011), 20'011);
  EXPECT_EQ(CountOf(64, 50'000, 50'000), 50'000);
}

TEST(DistinctCounter, CountsManyRepetitionsWithoutRuns) {
  EXPECT_EQ(CountOf(64, 10'000, 20), 20);
}

}  // namespace
}  // namespace imgbatch
