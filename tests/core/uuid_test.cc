#include "core/uuid.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

// 2022-02-22T19:22:22Z: the moment of RFC 9562, appendix A.6.
constexpr WallTime kMoment = 0x017F22E279B0;

TEST(Uuid, BeginsWithTheTimeAsInTheStandardsExample) {
  EXPECT_EQ(NewUuid(kMoment).substr(0, 13), "017f22e2-79b0");
}

TEST(Uuid, HasVersionSevenAndTheStandardVariant) {
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = NewUuid(kMoment + i);
    ASSERT_EQ(uuid.size(), 36u);
    for (const size_t hyphen : {8, 13, 18, 23}) EXPECT_EQ(uuid[hyphen], '-');
    EXPECT_EQ(uuid[14], '7');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    EXPECT_EQ(uuid.find_first_not_of("0123456789abcdef-"), std::string::npos);
  }
}

TEST(Uuid, GrowsWithinAMillisecondAndWhenTheClockGoesBack) {
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    const std::string next = NewUuid(kMoment + 1'000'000 - i % 3 * 1000);
    EXPECT_LT(last, next);
    last = next;
  }
}

TEST(Uuid, IsUniqueAcrossThreads) {
  std::vector<std::vector<std::string>> made(8);
  std::vector<std::thread> threads;
  for (std::vector<std::string>& mine : made) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 2'000; ++i) mine.push_back(NewUuid(kMoment));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const std::vector<std::string>& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 16'000u);
}

}  // namespace
}  // namespace imgbatch
