// What only the pool in a folder does; the rest is in the contract.
#include "store/local_pool.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "store/atomic_file.h"
#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

constexpr uint8_t kPicture[] = {'p', 'i', 'c'};

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ino_t InodeOf(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

class LocalPools : public testing::Test {
 protected:
  void SetUp() override {
    pool_ = *LocalPool::Create(folder_ / "pool");
    key_ = *pool_->Put(kPicture, "jpg");
    stored_ = folder_ / ("pool/" + key_.substr(0, 2) + "/" + key_);
  }
  TemporaryFolder folder_;
  std::unique_ptr<LocalPool> pool_;
  PoolKey key_;
  std::string stored_;
};

TEST_F(LocalPools, NamesFilesByTheirContent) {
  EXPECT_EQ(Contents(stored_), "pic");
}

TEST_F(LocalPools, RepairsAFileThatIsTooShort) {
  std::filesystem::remove(stored_);
  std::ofstream(stored_) << "p";
  ASSERT_TRUE(pool_->Put(kPicture, "jpg"));
  EXPECT_EQ(Contents(stored_), "pic");
}

TEST_F(LocalPools, PublishesByHardLink) {
  ASSERT_TRUE(pool_->Publish(key_, folder_ / "1.jpg"));
  EXPECT_EQ(InodeOf(folder_ / "1.jpg"), InodeOf(stored_));
}

TEST_F(LocalPools, MakesTheFolderOfAName) {
  ASSERT_TRUE(pool_->Publish(key_, folder_ / "shoes/red/1.jpg"));
  EXPECT_EQ(Contents(folder_ / "shoes/red/1.jpg"), "pic");
}

TEST_F(LocalPools, ReplacesASymbolicLinkInsteadOfFollowingIt) {
  std::ofstream(folder_ / "victim") << "precious";
  std::filesystem::create_symlink(folder_ / "victim", folder_ / "1.jpg");
  ASSERT_TRUE(pool_->Publish(key_, folder_ / "1.jpg"));
  EXPECT_EQ(Contents(folder_ / "victim"), "precious");
  EXPECT_FALSE(std::filesystem::is_symlink(folder_ / "1.jpg"));
}

TEST_F(LocalPools, RemovesWhatAKilledPublishLeft) {
  std::ofstream(folder_ / "1.jpg") << "old";
  std::ofstream(PartPathOf(folder_ / "1.jpg")) << "left";
  ASSERT_TRUE(pool_->Publish(key_, folder_ / "1.jpg"));
  EXPECT_EQ(Contents(folder_ / "1.jpg"), "pic");
  EXPECT_FALSE(std::filesystem::exists(PartPathOf(folder_ / "1.jpg")));
}

TEST_F(LocalPools, DoesNotReplaceADirectory) {
  std::filesystem::create_directory(folder_ / "1.jpg");
  EXPECT_FALSE(pool_->Publish(key_, folder_ / "1.jpg"));
  EXPECT_FALSE(std::filesystem::exists(PartPathOf(folder_ / "1.jpg")));
}

TEST_F(LocalPools, CopiesToAnotherFileSystem) {
  struct stat here, there;
  if (stat("/dev/shm", &there) != 0 ||
      stat(folder_.path().c_str(), &here) != 0 || here.st_dev == there.st_dev) {
    GTEST_SKIP() << "there is no other file system to write to";
  }
  const std::string name =
      "/dev/shm/imgbatch-test-" + std::to_string(getpid()) + ".jpg";
  ASSERT_TRUE(pool_->Publish(key_, name));
  EXPECT_EQ(Contents(name), "pic");
  std::ofstream(name) << "old";
  ASSERT_TRUE(pool_->Publish(key_, name));
  EXPECT_EQ(Contents(name), "pic");
  std::filesystem::remove(name);
}

TEST_F(LocalPools, CopiesWhenAFileHasTooManyLinks) {
  // ext4 allows 65,000 links; other file systems allow more than we try.
  const std::string links = folder_ / "links";
  std::filesystem::create_directory(links);
  int count = 0;
  while (count < 66'000 &&
         link(stored_.c_str(), (links + "/" + std::to_string(count)).c_str()) ==
             0) {
    ++count;
  }
  if (count == 66'000) GTEST_SKIP() << "no bound on links here";
  ASSERT_TRUE(pool_->Publish(key_, folder_ / "1.jpg"));
  EXPECT_EQ(Contents(folder_ / "1.jpg"), "pic");
  EXPECT_NE(InodeOf(folder_ / "1.jpg"), InodeOf(stored_));
}

}  // namespace
}  // namespace imgbatch
