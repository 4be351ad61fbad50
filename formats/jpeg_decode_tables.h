// Look-up tables of our JPEG decoder: one look yields up to two coefficients.
#pragma once

#include <array>
#include <cstdint>

#include "formats/jpeg_huffman.h"
#include "formats/jpeg_requantize.h"
#include "formats/jpeg_tokens.h"

namespace imgbatch {

// Decodes one code at a time, of any length.
class JpegCodeReader {
 public:
  // False when the table is none.
  bool Build(const JpegHuffmanTable& table);
  struct Code {
    uint8_t symbol = 0;
    uint8_t length = 0;  // 0: no such code.
  };
  // `bits`: the next bits from the top, at least 16. No code that begins them
  // is shorter than `shortest`.
  Code Read(uint64_t bits, int shortest) const;

 private:
  // For each length: the first 16-bit pattern beyond its codes, and what to
  // add to a code for its symbol's place.
  std::array<uint32_t, 17> beyond_{};
  std::array<int32_t, 17> place_{};
  std::array<uint8_t, 256> symbols_{};
};

// The value that `size` bits from the top stand for (T.81, F.2.2.1);
// size 1..16.
inline int32_t SignedValue(uint64_t bits, int size) {
  const auto raw = static_cast<int32_t>(bits >> (64 - size));
  return raw < 1 << (size - 1) ? raw - (1 << size) + 1 : raw;
}

// DC differences: bits 0-7 length of code and value, 16-31 the difference.
// Length 0: not to be had from kDcBits bits.
struct JpegDcTable {
  static constexpr int kBits = 10;
  JpegCodeReader reader;
  std::array<uint32_t, size_t{1} << kBits> entries;
  bool Build(const JpegHuffmanTable& table);
};

// AC coefficients, up to two at a time. An entry:
//   bits 0-15   where the first one's token is, from the current row of a
//   bits 16-31  JpegTokenTable; the second one's
//   bits 32-39  length of all codes and values
//   bits 40-47  positions to go on, kEnd added after an end of block; 0: slow:
//   bits 48-55  the symbol, of the length in bits 32-39 (0: a longer code)
struct JpegAcTable {
  static constexpr int kBits = 11;
  static constexpr uint32_t kEnd = 128;
  JpegCodeReader reader;
  std::array<uint64_t, size_t{1} << kBits> entries;
  bool Build(const JpegHuffmanTable& table);
};

// Requantised tokens of small values: row = position, column = value + kZero.
// A token of 0 is a coefficient that vanished. Rows past 63 (a run may point
// there before it is found to be damaged) hold nothing.
struct JpegTokenTable {
  static constexpr int kLogColumns = 6;
  static constexpr int kZero = 1 << (kLogColumns - 1);
  static constexpr size_t kRows = 64 + 32;
  std::array<JpegToken, kRows << kLogColumns> tokens;
  void Build(const JpegRequantizer& requantize, JpegToken tables);
};

}  // namespace imgbatch
