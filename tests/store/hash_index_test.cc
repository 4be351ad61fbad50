#include "store/hash_index.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

// All numbers of a hash, newest first.
std::vector<uint32_t> All(const HashIndex& index, uint64_t hash) {
  std::vector<uint32_t> numbers;
  const Result<bool> found = index.Find(hash, [&](uint32_t number) {
    numbers.push_back(number);
    return false;
  });
  EXPECT_TRUE(found);
  return numbers;
}

// The example of the authors: key and message bytes 0, 1, 2 …
TEST(KeyedHash, IsSipHash) {
  const HashKey key{0x0706050403020100, 0x0F0E0D0C0B0A0908};
  std::string message;
  for (char c = 0; c < 15; ++c) message += c;
  EXPECT_EQ(KeyedHash(key, message), 0xA129CA6149BE45E5u);
}

TEST(HashIndex, KeepsEveryNumberOfAHashNewestFirst) {
  const TemporaryFolder folder;
  HashIndex index(folder.path());
  for (const uint32_t number : {5u, 0u, 9u}) ASSERT_TRUE(index.Add(7, number));
  EXPECT_EQ(All(index, 7), (std::vector<uint32_t>{9, 0, 5}));
  EXPECT_TRUE(All(index, 8).empty());
}

TEST(HashIndex, StopsAtTheFirstMatch) {
  const TemporaryFolder folder;
  HashIndex index(folder.path());
  for (const uint32_t number : {1u, 2u, 3u}) ASSERT_TRUE(index.Add(7, number));
  int asked = 0;
  const Result<bool> found = index.Find(7, [&](uint32_t number) {
    ++asked;
    return number == 2;
  });
  EXPECT_TRUE(*found);
  EXPECT_EQ(asked, 2);
}

// Hashes are few, so that every hash has entries in memory and in many runs.
TEST(HashIndex, AgreesWithAMapAlsoAfterWritingRuns) {
  const TemporaryFolder folder;
  HashIndex index(folder.path(), 1000);
  std::map<uint64_t, std::vector<uint32_t>> expected;
  std::mt19937_64 random(1);
  for (uint32_t i = 0; i < 10'500; ++i) {
    const uint64_t hash = (random() % 3000) * 0x9E3779B97F4A7C15;
    ASSERT_TRUE(index.Add(hash, i));
    expected[hash].insert(expected[hash].begin(), i);
  }
  for (const auto& [hash, numbers] : expected) {
    EXPECT_EQ(All(index, hash), numbers);
  }
  for (uint64_t other = 1; other < 2000; ++other) {
    EXPECT_TRUE(All(index, other).empty());
  }
}

TEST(HashIndex, FailsWhereItCannotWrite) {
  HashIndex index("/proc/self/does-not-exist", 2);
  ASSERT_TRUE(index.Add(1, 1));
  ASSERT_TRUE(index.Add(2, 2));
  EXPECT_FALSE(index.Add(3, 3));
}

}  // namespace
}  // namespace imgbatch
