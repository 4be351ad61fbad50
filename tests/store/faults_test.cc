// A small run that is killed at its n-th state-changing call, or whose n-th
// such call fails; then it goes on, and must come out as if nothing had
// happened. IMGBATCH_FAULTS=all tries every n instead of a sample.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/result.h"
#include "tests/support/store_check.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/worker_process.h"

namespace imgbatch {
namespace {

struct Plan {
  const char* name;
  std::string fault;
  std::string suffix;  // "+": every later call fails as well.
  const char* threads;
  int step;  // Of the sample.
};
void PrintTo(const Plan& plan, std::ostream* out) { *out << plan.name; }

class Faults : public testing::TestWithParam<Plan> {
 protected:
  WorkerEnd Run(const std::string& folder, const std::string& fault = "",
                const std::string& log = "") {
    return RunWorker(folder, {fault, log, GetParam().threads});
  }

  // How many calls the fault could strike.
  int CountCalls() {
    const std::string log = folder_ / "calls";
    EXPECT_EQ(Run(folder_ / "counted", GetParam().fault + ":0", log).status, 0);
    const std::string lines = ContentsOf(log);
    return static_cast<int>(std::count(lines.begin(), lines.end(), '\n'));
  }

  // What may happen when the fault strikes.
  void Judge(const WorkerEnd& ended) {
    if (ended.killed || ended.status == 0) return;
    EXPECT_GE(ended.status, 10) << "no error of ours";
    EXPECT_NE(ended.status, 127) << "the worker could not be started";
    EXPECT_EQ(ended.message.find("store_worker: "), 0u);
    EXPECT_EQ(std::count(ended.message.begin(), ended.message.end(), '\n'), 1)
        << "more than one line";
    if (GetParam().fault == "ENOSPC") {
      EXPECT_EQ(ended.status, 10 + static_cast<int>(ErrorCode::kNoSpace));
    }
  }

  TemporaryFolder folder_{QuickFolder()};
};

TEST_P(Faults, LeaveNoTraceWhenTheRunGoesOn) {
  const std::string model = folder_ / "model";
  ASSERT_EQ(Run(model).status, 0);
  const auto expected = ResultsOf(model);
  const int calls = CountCalls();
  const char* all = getenv("IMGBATCH_FAULTS");
  const int step = all != nullptr ? 1 : GetParam().step;
  int struck = 0;
  int points = 0;
  for (int n = 1; n <= calls && !HasFailure(); n += step) {
    const std::string folder = folder_ / std::to_string(n);
    const WorkerEnd ended = Run(
        folder, GetParam().fault + ":" + std::to_string(n) + GetParam().suffix);
    SCOPED_TRACE(GetParam().fault + " at " + std::to_string(n) + ": " +
                 ended.message);
    Judge(ended);
    const WorkerEnd resumed = Run(folder);
    EXPECT_EQ(resumed.status, 0) << resumed.message;
    EXPECT_EQ(ResultsOf(folder), expected);
    EXPECT_THAT(FindFaults(StorePaths(folder + "/imgbatch.db")),
                testing::IsEmpty());
    std::filesystem::remove_all(folder);
    ++points;
    struck += ended.killed || ended.status != 0;
  }
  std::printf("%s: %d of %d calls tried, %d stopped the run\n", GetParam().name,
              points, calls, struck);
  if (GetParam().fault == "EINTR") {
    EXPECT_EQ(struck, 0) << "an interrupted call is no failure";
  } else {
    EXPECT_GT(struck, 0) << "the faults do not reach the worker";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Faults,
    testing::Values(Plan{"Kill", "kill", "", "1", 7},
                    Plan{"KillWithEightThreads", "kill", "", "8", 23},
                    Plan{"OneWriteWithoutSpace", "ENOSPC", "", "1", 19},
                    Plan{"NoSpaceFromThenOn", "ENOSPC", "+", "1", 19},
                    Plan{"OneInputOutputError", "EIO", "", "1", 19},
                    Plan{"InputOutputErrorsFromThenOn", "EIO", "+", "1", 19},
                    Plan{"OneInterruption", "EINTR", "", "1", 19},
                    Plan{"NoFileDescriptor", "EMFILE", "", "1", 2}),
    [](const auto& plan) { return plan.param.name; });

}  // namespace
}  // namespace imgbatch
