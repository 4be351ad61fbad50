#include "store/sweep.h"

#include <filesystem>
#include <fstream>
#include <memory>

#include <gtest/gtest.h>

#include "store/sqlite_job_store.h"
#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

class Sweep : public testing::Test {
 protected:
  std::unique_ptr<SqliteJobStore> Open() {
    return *SqliteJobStore::Open(paths_, 1);
  }
  std::string Leave(const std::string& path) {
    std::ofstream(path) << "left behind";
    return path;
  }
  static bool IsThere(const std::string& path) {
    return std::filesystem::exists(path);
  }

  TemporaryFolder folder_;
  StorePaths paths_{folder_ / "imgbatch.db"};
  const std::string recorded_ = "01900000-0000-7000-8000-000000000001";
  const std::string orphan_ = "01900000-0000-7000-8000-000000000002";
};

TEST_F(Sweep, RemovesInputsThatNeverBecameABatch) {
  NewBatch batch;
  batch.uuid = recorded_;
  ASSERT_TRUE(Open()->CreateBatch(batch, 1));
  const std::string kept = Leave(paths_.Inputs() + "/" + recorded_ + ".csv");
  const std::string copied = Leave(paths_.Inputs() + "/" + orphan_ + ".csv");
  const std::string part = Leave(copied + ".part");
  Open();
  EXPECT_TRUE(IsThere(kept));
  EXPECT_FALSE(IsThere(copied));
  EXPECT_FALSE(IsThere(part));
}

TEST_F(Sweep, LeavesInputsAloneWhileAnotherOwnerLives) {
  const auto other = Open();
  const std::string kept = Leave(paths_.Inputs() + "/" + orphan_ + ".csv");
  Open();
  EXPECT_TRUE(IsThere(kept));
}

TEST_F(Sweep, RemovesFilesOfOwnersThatAreGone) {
  const auto living = Open();
  const std::string dead = Leave(paths_.OwnerJournal(living->owner() + 1000));
  Open();
  EXPECT_FALSE(IsThere(dead));
  EXPECT_TRUE(IsThere(paths_.OwnerLock(living->owner())));
  EXPECT_TRUE(IsThere(paths_.OwnerJournal(living->owner())));
}

}  // namespace
}  // namespace imgbatch
