#include "store/atomic_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t FilesIn(const std::string& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(folder)) {
    ++count;
  }
  return count;
}

class AtomicFiles : public testing::Test {
 protected:
  void WriteOld(const std::string& text) { std::ofstream(path_) << text; }
  TemporaryFolder folder_;
  const std::string path_ = folder_ / "out.csv";
};

TEST_F(AtomicFiles, AppearWhenTheyAreCommitted) {
  WriteOld("old");
  Result<AtomicFile> file = AtomicFile::Create(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->Write("new "));
  ASSERT_TRUE(file->Write("text"));
  EXPECT_EQ(Contents(path_), "old");
  ASSERT_TRUE(file->Commit());
  EXPECT_EQ(Contents(path_), "new text");
  EXPECT_EQ(FilesIn(folder_.path()), 1u);
}

TEST_F(AtomicFiles, LeaveNothingBehindWithoutACommit) {
  WriteOld("old");
  {
    Result<AtomicFile> file = AtomicFile::Create(path_);
    ASSERT_TRUE(file->Write(std::string(1'000'000, 'x')));
  }
  EXPECT_EQ(Contents(path_), "old");
  EXPECT_EQ(FilesIn(folder_.path()), 1u);
}

TEST_F(AtomicFiles, TakeOverWhatADeadProcessLeft) {
  std::ofstream(PartPathOf(path_)) << "half of something much longer";
  Result<AtomicFile> file = AtomicFile::Create(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->Write("whole"));
  ASSERT_TRUE(file->Commit());
  EXPECT_EQ(Contents(path_), "whole");
  EXPECT_EQ(FilesIn(folder_.path()), 1u);
}

TEST_F(AtomicFiles, AreWrittenByOneAtATime) {
  const Result<AtomicFile> first = AtomicFile::Create(path_);
  ASSERT_TRUE(first);
  const Result<AtomicFile> second = AtomicFile::Create(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
}

TEST_F(AtomicFiles, KeepThePermissionsOfTheOldFile) {
  WriteOld("old");
  chmod(path_.c_str(), 0640);
  Result<AtomicFile> file = AtomicFile::Create(path_);
  ASSERT_TRUE(file->Commit());
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST_F(AtomicFiles, NeverReplaceWhatIsNoFile) {
  const Result<AtomicFile> device = AtomicFile::Create("/dev/null");
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().code, ErrorCode::kOutput);
  EXPECT_FALSE(AtomicFile::Create(folder_.path()));
}

TEST_F(AtomicFiles, DoNotFollowALinkAtTheTemporaryName) {
  std::filesystem::create_symlink(folder_ / "victim", PartPathOf(path_));
  EXPECT_FALSE(AtomicFile::Create(path_));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "victim"));
}

TEST_F(AtomicFiles, SayWhichFolderIsMissing) {
  const Result<AtomicFile> file = AtomicFile::Create(folder_ / "no/out.csv");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("no/"), std::string::npos);
}

}  // namespace
}  // namespace imgbatch
