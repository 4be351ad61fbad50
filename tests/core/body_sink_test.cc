#include "core/body_sink.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace imgbatch {
namespace {

constexpr size_t kInMemory = 100'000;

// Fed in pieces, as a network would.
BodySink::Finished Collect(BodySink& sink, const std::vector<uint8_t>& bytes,
                           uint64_t expected) {
  sink.Start(expected);
  for (size_t at = 0; at < bytes.size(); at += 1000) {
    const size_t size = std::min<size_t>(1000, bytes.size() - at);
    EXPECT_TRUE(sink.Write({bytes.data() + at, size}));
  }
  EXPECT_EQ(sink.size(), bytes.size());
  auto finished = sink.Finish();
  EXPECT_TRUE(finished.has_value());
  return *std::move(finished);
}

std::vector<uint8_t> Pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + 1);
  return bytes;
}

struct Case {
  size_t size;
  uint64_t expected;
  bool in_memory;
};

TEST(BodySink, KeepsSmallBodiesInMemoryAndLargeOnesInAFile) {
  const Case cases[] = {
      {0, 0, true},
      {1, 1, true},
      {kInMemory, kInMemory, true},
      {kInMemory + 1, kInMemory + 1, false},
      {500'000, 500'000, false},
      {500'000, 10, false},  // The announcement was a lie.
      {10, 500'000, false},  // This one too.
      {64 << 10, 0, true},   // No announcement.
      {(64 << 10) + 1, 0, false},
  };
  BodySink sink(std::filesystem::temp_directory_path(), kInMemory);
  for (const Case& c : cases) {
    const std::vector<uint8_t> bytes = Pattern(c.size);
    const BodySink::Finished finished = Collect(sink, bytes, c.expected);
    const auto got = finished.body.bytes();
    EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes.begin(), bytes.end()))
        << c.size;
    EXPECT_EQ(finished.hash, HashOf(bytes)) << c.size;
    EXPECT_EQ(finished.body.memory() > 0 || c.size == 0, c.in_memory)
        << c.size << " of " << c.expected;
  }
}

TEST(BodySink, StaysInMemoryWhereNoFileCanBeMade) {
  BodySink sink("/no/such/directory", kInMemory);
  const std::vector<uint8_t> bytes = Pattern(500'000);
  for (const uint64_t expected : {uint64_t{0}, uint64_t{500'000}}) {
    const BodySink::Finished finished = Collect(sink, bytes, expected);
    const auto got = finished.body.bytes();
    EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes.begin(), bytes.end()));
    EXPECT_EQ(finished.hash, HashOf(bytes));
  }
}

TEST(BodySink, BringsAFileBackWhenItCannotGrow) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{150'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  BodySink sink(std::filesystem::temp_directory_path(), kInMemory);
  const std::vector<uint8_t> bytes = Pattern(300'000);
  const BodySink::Finished finished = Collect(sink, bytes, 0);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  const auto got = finished.body.bytes();
  EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes.begin(), bytes.end()));
  EXPECT_EQ(finished.hash, HashOf(bytes));
  EXPECT_GT(finished.body.memory(), 0U);
}

TEST(BodySink, StartsAfreshEachTime) {
  BodySink sink(std::filesystem::temp_directory_path(), kInMemory);
  sink.Start(0);
  EXPECT_TRUE(sink.Write(Pattern(200'000)));
  const std::vector<uint8_t> bytes = Pattern(100);
  EXPECT_EQ(Collect(sink, bytes, 100).body.size(), 100U);
  sink.Reset();
  EXPECT_EQ(sink.size(), 0U);
}

}  // namespace
}  // namespace imgbatch
