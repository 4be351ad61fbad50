#include "store/locks.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

class Locks : public testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_ / "a.lock";
};

TEST_F(Locks, ExcludeEachOtherWithinOneProcess) {
  const Result<FileLock> first = FileLock::Try(path_, LockMode::kExclusive);
  ASSERT_TRUE(first);
  const Result<FileLock> second = FileLock::Try(path_, LockMode::kExclusive);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_NE(second.error().message.find(std::to_string(getpid())),
            std::string::npos)
      << second.error().message;
}

TEST_F(Locks, AreFreeAgainWhenTheObjectIsGone) {
  { ASSERT_TRUE(FileLock::Try(path_, LockMode::kExclusive)); }
  EXPECT_FALSE(FileLock::IsHeld(path_));
  EXPECT_TRUE(FileLock::Try(path_, LockMode::kExclusive));
}

TEST_F(Locks, MayBeShared) {
  const Result<FileLock> first = FileLock::Try(path_, LockMode::kShared);
  const Result<FileLock> second = FileLock::Try(path_, LockMode::kShared);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(FileLock::Try(path_, LockMode::kExclusive));
}

TEST_F(Locks, AreNotHeldWhenTheFileIsMissing) {
  EXPECT_FALSE(FileLock::IsHeld(folder_ / "none"));
  EXPECT_EQ(FileLock::Holder(folder_ / "none"), 0);
}

TEST_F(Locks, AreReleasedByTheDeathOfTheHolder) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const Result<FileLock> held = FileLock::Try(path_, LockMode::kExclusive);
    (void)!write(ready[1], held ? "y" : "n", 1);
    pause();
    _exit(1);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_TRUE(FileLock::IsHeld(path_));
  EXPECT_EQ(FileLock::Holder(path_), child);
  // Stopped is not dead.
  kill(child, SIGSTOP);
  EXPECT_TRUE(FileLock::IsHeld(path_));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(FileLock::IsHeld(path_));
  close(ready[0]);
  close(ready[1]);
}

TEST_F(Locks, AreNotInheritedByProgramsThatAreStarted) {
  const Result<FileLock> held = FileLock::Try(path_, LockMode::kExclusive);
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "ls -l /proc/self/fd | grep -q a.lock",
          nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST_F(Locks, ReusableOnesExcludeEachOther) {
  Result<ReusableLock> first = ReusableLock::Open(path_);
  Result<ReusableLock> second = ReusableLock::Open(path_);
  ASSERT_TRUE(first->Acquire(Milliseconds{0}));
  EXPECT_EQ(second->Acquire(Milliseconds{0}).error().code, ErrorCode::kBusy);
  first->Release();
  EXPECT_TRUE(second->Acquire(Milliseconds{0}));
}

}  // namespace
}  // namespace imgbatch
