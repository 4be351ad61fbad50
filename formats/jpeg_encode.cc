#include "formats/jpeg_encode.h"

#include <bit>
#include <cstring>

#include "formats/big_endian.h"

namespace imgbatch {
namespace {

// A symbol, in place of its token: bits 0-3 size of the value, 4-9 zeros
// before it (0..63), 10-11 table, 16-31 the value's bits.
constexpr uint32_t kSymbolMask = 0xFFF;
constexpr uint32_t kLongRun = 0x300;  // 16 zeros or more: ZRL codes first.
constexpr uint8_t kZrl = 0xF0;
constexpr int kMaxDcSize = 11, kMaxAcSize = 10;  // T.81, tables F.1 and F.2.

using Counts = std::array<uint32_t, kSymbolMask + 1>;

// Two sets of counters in turns: equal neighbours do not wait for each other.
void ToSymbols(JpegTokens& tokens, Counts& even, Counts& odd) {
  uint32_t previous = 0;
  const auto convert = [&previous](JpegToken token) {
    const uint32_t position = token & 63;
    const uint32_t run = (position - previous - 1) & (token >> 8) & 63;
    previous = position;
    const int32_t value = static_cast<int32_t>(token) >> 16;
    const int32_t sign = value >> 31;
    const auto magnitude = static_cast<uint32_t>((value ^ sign) - sign);
    const uint32_t size =
        31 - static_cast<uint32_t>(std::countl_zero(2 * magnitude + 1));
    const uint32_t bits =
        static_cast<uint32_t>(value + sign) & ((uint32_t{1} << size) - 1);
    return bits << 16 | (token & 0xC0) << 4 | run << 4 | (size & 15);
  };
  JpegToken* at = tokens.data();
  JpegToken* const end = at + tokens.size();
  for (; end - at >= 2; at += 2) {
    const uint32_t first = convert(at[0]);
    const uint32_t second = convert(at[1]);
    at[0] = first;
    at[1] = second;
    ++even[first & kSymbolMask];
    ++odd[second & kSymbolMask];
  }
  if (at != end) {
    *at = convert(*at);
    ++even[*at & kSymbolMask];
  }
}

// Counts of real symbols for one table: long runs become ZRL codes.
std::array<uint32_t, 256> FoldRuns(const uint32_t* counts) {
  std::array<uint32_t, 256> folded{};
  for (uint32_t run = 0; run < 64; ++run) {
    for (uint32_t size = 0; size < 16; ++size) {
      const uint32_t count = counts[run << 4 | size];
      folded[(run & 15) << 4 | size] += count;
      folded[kZrl] += count * (run >> 4);
    }
  }
  return folded;
}

bool FitsBaseline(const std::array<uint32_t, 256>& counts, bool ac) {
  for (uint32_t symbol = 0; symbol < 256; ++symbol) {
    const int size = symbol & 15;
    if (counts[symbol] > 0 && size > (ac ? kMaxAcSize : kMaxDcSize)) {
      return false;
    }
  }
  return true;
}

// Code and value bits together: at most 16 + 11 bits, and their number.
struct Emission {
  uint32_t code = 0;  // Shifted left to leave room for the value.
  uint32_t length = 0;
};

class BitWriter {
 public:
  explicit BitWriter(uint8_t* out) : out_(out) {}

  // `length` 0..56 less what is held (at most 7 after Flush).
  void Put(uint64_t bits, uint32_t length) {
    used_ += length;
    held_ |= bits << (64 - used_);
  }
  // Writes 8 bytes, of which whole ones count.
  void Flush() {
    StoreBigEndian64(out_, held_);
    out_ += used_ >> 3;
    held_ <<= used_ & 56;
    used_ &= 7;
  }
  // Pads with ones (T.81, F.1.2.3); returns the end.
  uint8_t* Finish() {
    Flush();
    if (used_ > 0) *out_++ |= static_cast<uint8_t>(0xFF >> used_);
    return out_;
  }

 private:
  uint8_t* out_;
  uint64_t held_ = 0;  // From the top.
  uint32_t used_ = 0;
};

}  // namespace

bool PrepareScan(JpegTokens& tokens, JpegScanTables& tables) {
  Counts counts{}, odd{};
  ToSymbols(tokens, counts, odd);
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += odd[i];
  tables.bits = 0;
  for (size_t i = 0; i < 4; ++i) {
    const auto folded = FoldRuns(counts.data() + (i << 10));
    if (!FitsBaseline(folded, i % 2 == 1)) return false;
    tables.tables[i] = OptimalTable(folded);
    JpegHuffmanCode code;
    AssignCodes(tables.tables[i], code);
    for (uint32_t symbol = 0; symbol < 256; ++symbol) {
      tables.bits +=
          uint64_t{folded[symbol]} * (code.length[symbol] + (symbol & 15u));
    }
  }
  return true;
}

void EncodeScan(const JpegTokens& symbols, const JpegScanTables& tables,
                std::vector<uint8_t>& scratch, std::vector<uint8_t>& out) {
  std::array<Emission, kSymbolMask + 1> emissions;
  std::array<Emission, 4> zrl;
  for (uint32_t i = 0; i < 4; ++i) {
    JpegHuffmanCode code;
    AssignCodes(tables.tables[i], code);
    for (uint32_t low = 0; low < 1024; ++low) {
      const uint32_t symbol = low & 0xFF, size = low & 15;
      emissions[i << 10 | low] = {uint32_t{code.code[symbol]} << size,
                                  code.length[symbol] + size};
    }
    zrl[i] = {code.code[kZrl], code.length[kZrl]};
  }
  const size_t room = tables.bits / 8 + 16;
  if (scratch.size() < room) scratch.resize(room);
  BitWriter writer(scratch.data());
  const auto put = [&](uint32_t symbol) {
    const Emission& emission = emissions[symbol & kSymbolMask];
    writer.Put(emission.code | symbol >> 16, emission.length);
  };
  const auto put_zeros = [&](uint32_t symbol) {
    const Emission& emission = zrl[symbol >> 10 & 3];
    for (uint32_t i = symbol >> 8 & 3; i > 0; --i) {
      writer.Put(emission.code, emission.length);
      writer.Flush();
    }
  };
  const uint32_t* at = symbols.data();
  const uint32_t* const end = at + symbols.size();
  for (; end - at >= 2; at += 2) {
    if ((at[0] | at[1]) & kLongRun) [[unlikely]] {
      put_zeros(at[0]);
      put(at[0]);
      writer.Flush();
      put_zeros(at[1]);
    } else {
      put(at[0]);
    }
    put(at[1]);
    writer.Flush();
  }
  if (at != end) {
    put_zeros(*at);
    put(*at);
  }
  const uint8_t* const stop = writer.Finish();
  AppendStuffed({scratch.data(), stop}, out);
}

void AppendStuffed(std::span<const uint8_t> bytes, std::vector<uint8_t>& out) {
  const uint8_t* at = bytes.data();
  const uint8_t* const end = at + bytes.size();
  out.reserve(out.size() + bytes.size() + bytes.size() / 64 + 16);
  while (at != end) {
    const void* found = std::memchr(at, 0xFF, static_cast<size_t>(end - at));
    const uint8_t* stop = found ? static_cast<const uint8_t*>(found) + 1 : end;
    out.insert(out.end(), at, stop);
    if (found) out.push_back(0);
    at = stop;
  }
}

}  // namespace imgbatch
