// A real file system without space, where it may be mounted: a user namespace
// does, so no rights are needed on most systems.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/result.h"
#include "tests/support/store_check.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/worker_process.h"

namespace imgbatch {
namespace {

constexpr int kSkipped = 77;

bool MountSmall(const std::string& folder, const std::string& options,
                unsigned long flags) {
  return mount("tmpfs", folder.c_str(), "tmpfs", flags, options.c_str()) == 0;
}

// In a process of its own with file systems of its own. Returns 0, or the
// number of the line that was not satisfied.
int FillUp(const std::string& folder, int kib) {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return kSkipped;
  }
  mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (!MountSmall(folder, "size=" + std::to_string(kib) + "k", 0)) {
    return kSkipped;
  }
  const WorkerEnd full = RunWorker(folder + "/work");
  if (full.killed) return 1;
  if (full.status != 0 &&
      full.status != 10 + static_cast<int>(ErrorCode::kNoSpace)) {
    return 2;
  }
  if (full.status != 0 && full.message.find("space") == std::string::npos &&
      full.message.find("full") == std::string::npos) {
    return 3;
  }
  if (!MountSmall(folder, "size=64m", MS_REMOUNT)) return 4;
  const WorkerEnd resumed = RunWorker(folder + "/work");
  if (resumed.status != 0) return 5;
  const WorkerEnd model = RunWorker(folder + "/model");
  if (model.status != 0) return 6;
  if (ResultsOf(folder + "/work") != ResultsOf(folder + "/model")) return 7;
  return FindFaults(StorePaths(folder + "/work/imgbatch.db")).empty() ? 0 : 8;
}

TEST(DiskFull, StopsTheRunWhichGoesOnWhenThereIsSpace) {
  const TemporaryFolder folder;
  int stopped = 0;
  for (const int kib : {60, 120, 180, 240, 300, 360, 420, 480, 600}) {
    const pid_t child = fork();
    if (child == 0) _exit(FillUp(folder.path(), kib));
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kSkipped) {
      GTEST_SKIP() << "no file system may be mounted here";
    }
    EXPECT_EQ(WEXITSTATUS(status), 0) << kib << " KiB";
    ++stopped;
  }
  EXPECT_GT(stopped, 0);
}

}  // namespace
}  // namespace imgbatch
