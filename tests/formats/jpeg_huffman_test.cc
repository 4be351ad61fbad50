#include "formats/jpeg_huffman.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

using Counts = std::array<uint32_t, 256>;

uint64_t BitsOf(const Counts& counts, const JpegHuffmanCode& code) {
  uint64_t bits = 0;
  for (size_t i = 0; i < 256; ++i) bits += uint64_t{counts[i]} * code.length[i];
  return bits;
}

TEST(OptimalTable, GivesOneSymbolOneBit) {
  Counts counts{};
  counts[42] = 7;
  const JpegHuffmanTable table = OptimalTable(counts);
  EXPECT_EQ(table.counts[1], 1);
  EXPECT_EQ(table.symbols[0], 42);
}

TEST(OptimalTable, CodesFrequentSymbolsShorter) {
  Counts counts{};
  counts[1] = 100;
  counts[2] = 50;
  counts[3] = 20;
  counts[4] = 1;
  JpegHuffmanCode code;
  ASSERT_TRUE(AssignCodes(OptimalTable(counts), code));
  EXPECT_EQ(BitsOf(counts, code), 100u + 2 * 50 + 3 * 20 + 4);
}

TEST(OptimalTable, KeepsSixteenBitsAndFreesTheCodeOfAllOnes) {
  uint32_t state = 3;
  for (int round = 0; round < 200; ++round) {
    Counts counts{};
    uint32_t a = 1, b = 1;
    for (size_t i = 0; i < 256; ++i) {
      state = state * 1664525u + 1013904223u;
      if (round % 2 == 0) {
        // Fibonacci numbers make the deepest trees.
        counts[i] = a;
        const uint32_t next = a + b;
        a = b;
        b = next < 1u << 30 ? next : 1;
      } else {
        counts[i] = state >> (8 + state % 24);
      }
    }
    const JpegHuffmanTable table = OptimalTable(counts);
    JpegHuffmanCode code;
    ASSERT_TRUE(AssignCodes(table, code));
    for (size_t i = 0; i < 256; ++i) {
      ASSERT_EQ(code.length[i] > 0, counts[i] > 0);
      ASSERT_LE(code.length[i], 16);
      if (code.length[i] > 0) {
        ASSERT_NE(code.code[i], (1u << code.length[i]) - 1);
      }
    }
  }
}

TEST(AssignCodes, RefusesMoreCodesThanThereAre) {
  JpegHuffmanTable table{.defined = true};
  table.counts[1] = 3;
  JpegHuffmanCode code;
  EXPECT_FALSE(AssignCodes(table, code));
}

}  // namespace
}  // namespace imgbatch
