#include "cli/drain.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

TEST(ExitStatusOfImages, FollowsFailOn) {
  using Kind = FailOn::Kind;
  struct Case {
    int64_t failed;
    FailOn fail_on;
    ExitStatus status;
  };
  const Case cases[] = {
      {0, {Kind::kAny, 0}, ExitStatus::kOk},
      {1, {Kind::kAny, 0}, ExitStatus::kSomeFailed},
      {10, {Kind::kAny, 0}, ExitStatus::kAllFailed},
      {10, {Kind::kNone, 0}, ExitStatus::kOk},
      {9, {Kind::kAll, 0}, ExitStatus::kOk},
      {10, {Kind::kAll, 0}, ExitStatus::kAllFailed},
      {2, {Kind::kCount, 3}, ExitStatus::kOk},
      {3, {Kind::kCount, 3}, ExitStatus::kSomeFailed},
      {1, {Kind::kPercent, 20}, ExitStatus::kOk},
      {2, {Kind::kPercent, 20}, ExitStatus::kSomeFailed},
  };
  for (const Case& c : cases) {
    Tally tally;
    tally.total = 10;
    tally.failed = c.failed;
    tally.done = 10 - c.failed;
    EXPECT_EQ(StatusOf(tally, c.fail_on), c.status)
        << c.failed << " " << c.fail_on.limit;
  }
}

}  // namespace
}  // namespace imgbatch
