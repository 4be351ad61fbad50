#include "core/hash.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

// NIST FIPS 180-2, appendix B.1.
constexpr char kAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Hash, IsSha256) { EXPECT_EQ(ToHex(HashOf("abc")), kAbc); }

TEST(Hash, ArrivesAtTheSameInPieces) {
  Hasher hasher;
  const uint8_t bytes[] = {'a', 'b', 'c'};
  hasher.Update(std::span(bytes, 1));
  hasher.Update(std::span(bytes + 1, 2));
  EXPECT_EQ(ToHex(hasher.Finish()), kAbc);
}

}  // namespace
}  // namespace imgbatch
