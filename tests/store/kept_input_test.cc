#include "store/kept_input.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

class KeptInputs : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(PrepareFolders(paths_)); }

  std::string Write(const std::string& text) {
    const std::string path = folder_ / "shop.csv";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool IsEmpty() const { return std::filesystem::is_empty(paths_.Inputs()); }

  TemporaryFolder folder_;
  StorePaths paths_{folder_ / "imgbatch.db"};
};

TEST_F(KeptInputs, AreTheFileByteForByte) {
  const std::string text =
      std::string("a\0b\r\n\xFF", 6) + std::string(300'000, 'x');
  const Result<KeptInput> kept = KeepFile(paths_, "some-uuid", Write(text));
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->relative, "inputs/some-uuid.csv");
  EXPECT_EQ(kept->path, paths_.files + "/" + kept->relative);
  EXPECT_EQ(kept->bytes, text.size());
  EXPECT_EQ(Contents(kept->path), text);
}

TEST_F(KeptInputs, MayBeEmpty) {
  const Result<KeptInput> kept = KeepFile(paths_, "u", Write(""));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->bytes, 0u);
}

TEST_F(KeptInputs, AreReadFromAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread writer([&ends] {
    for (int i = 0; i < 1000; ++i) {
      ASSERT_EQ(write(ends[1], "0123456789", 10), 10);
    }
    close(ends[1]);
  });
  const Result<KeptInput> kept = KeepStream(paths_, "u", ends[0]);
  writer.join();
  close(ends[0]);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->bytes, 10'000u);
  EXPECT_EQ(Contents(kept->path).size(), 10'000u);
}

TEST_F(KeptInputs, AreReadFromANamedPipeToo) {
  const std::string path = folder_ / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  // Opened for both, so that neither end waits for the other.
  const int keep = open(path.c_str(), O_RDWR);
  ASSERT_EQ(write(keep, "text", 4), 4);
  std::thread closer([keep] { close(keep); });
  const Result<KeptInput> kept = KeepFile(paths_, "u", path);
  closer.join();
  ASSERT_TRUE(kept);
}

TEST_F(KeptInputs, StopAtTheirBound) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "0123456789", 10), 10);
  close(ends[1]);
  const Result<KeptInput> kept = KeepStream(paths_, "u", ends[0], 9);
  close(ends[0]);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(IsEmpty());
}

TEST_F(KeptInputs, AreNotMadeFromWhatIsNoFile) {
  for (const std::string& path : {folder_.path(), folder_ / "missing.csv"}) {
    const Result<KeptInput> kept = KeepFile(paths_, "u", path);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::kInput);
    EXPECT_EQ(kept.error().message.find(path), 0u) << kept.error().message;
  }
  EXPECT_TRUE(IsEmpty());
}

}  // namespace
}  // namespace imgbatch
