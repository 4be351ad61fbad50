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
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/store_check.h"
#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

namespace fs = std::filesystem;

struct Plan {
  const char* name;
  std::string fault;
  std::string suffix;  // "+": every later call fails as well.
  const char* threads;
  int step;  // Of the sample.
};
void PrintTo(const Plan& plan, std::ostream* out) { *out << plan.name; }

std::string Contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Everything a user looks at.
std::map<std::string, std::string> ResultsOf(const std::string& folder) {
  std::map<std::string, std::string> results;
  for (const auto& entry : fs::directory_iterator(folder)) {
    results[entry.path().filename()] = "is there";
  }
  results["output.csv"] = Contents(folder + "/output.csv");
  for (const auto& entry : fs::directory_iterator(folder + "/images")) {
    results["images/" + entry.path().filename().string()] =
        Contents(entry.path());
  }
  return results;
}

class Faults : public testing::TestWithParam<Plan> {
 protected:
  struct Ended {
    bool killed = false;
    int status = 0;
    std::string message;
  };

  // The worker in a folder that it finds or that is made for it. `variable`
  // and `value` are what the shim is told.
  Ended Run(const std::string& folder, const std::string& fault = "",
            const std::string& log = "") {
    fs::create_directories(folder);
    std::ofstream(folder + "/input.csv") << "S. No.,Input Image Urls\n1,x\n";
    const std::string errors = folder_ / "errors";
    const pid_t child = fork();
    if (child == 0) {
      const int out = open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(out, 2);
      if (!fault.empty()) {
        setenv("LD_PRELOAD", IMGBATCH_FAULT_SHIM, 1);
        setenv("FAULT", fault.c_str(), 1);
      }
      if (!log.empty()) setenv("FAULT_LOG", log.c_str(), 1);
      execl(IMGBATCH_STORE_WORKER, "store_worker", folder.c_str(),
            GetParam().threads, nullptr);
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFSIGNALED(status), WEXITSTATUS(status), Contents(errors)};
  }

  // How many calls the fault could strike.
  int CountCalls() {
    const std::string log = folder_ / "calls";
    EXPECT_EQ(Run(folder_ / "counted", GetParam().fault + ":0", log).status, 0);
    const std::string lines = Contents(log);
    return static_cast<int>(std::count(lines.begin(), lines.end(), '\n'));
  }

  // What may happen when the fault strikes.
  void Judge(const Ended& ended) {
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

  // In memory where there is a place for it: the number of points counts.
  TemporaryFolder folder_{fs::exists("/dev/shm") ? fs::path("/dev/shm")
                                                 : fs::temp_directory_path()};
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
    const Ended ended = Run(
        folder, GetParam().fault + ":" + std::to_string(n) + GetParam().suffix);
    SCOPED_TRACE(GetParam().fault + " at " + std::to_string(n) + ": " +
                 ended.message);
    Judge(ended);
    const Ended resumed = Run(folder);
    EXPECT_EQ(resumed.status, 0) << resumed.message;
    EXPECT_EQ(ResultsOf(folder), expected);
    EXPECT_THAT(FindFaults(StorePaths(folder + "/imgbatch.db")),
                testing::IsEmpty());
    fs::remove_all(folder);
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
