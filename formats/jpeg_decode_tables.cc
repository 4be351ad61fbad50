#include "formats/jpeg_decode_tables.h"

namespace imgbatch {
namespace {

constexpr int kMaxDcSize = 11, kMaxAcSize = 10;  // T.81, tables F.1 and F.2.

uint64_t Entry(uint32_t first, uint32_t second, uint32_t length,
               uint32_t advance) {
  return uint64_t{advance} << 40 | uint64_t{length} << 32 |
         uint64_t{second} << 16 | first;
}

uint32_t LengthOf(uint64_t entry) { return entry >> 32 & 0xFF; }
uint32_t AdvanceOf(uint64_t entry) { return entry >> 40 & 0xFF; }

}  // namespace

bool JpegCodeReader::Build(const JpegHuffmanTable& table) {
  JpegHuffmanCode codes;
  if (!table.defined || !AssignCodes(table, codes)) return false;
  symbols_ = table.symbols;
  uint32_t code = 0;
  int32_t index = 0;
  for (int length = 1; length <= 16; ++length) {
    place_[length] = index - static_cast<int32_t>(code);
    code += table.counts[length];
    index += table.counts[length];
    beyond_[length] = code << (16 - length);
    code <<= 1;
  }
  return true;
}

JpegCodeReader::Code JpegCodeReader::Read(uint64_t bits, int shortest) const {
  const auto top = static_cast<uint32_t>(bits >> 48);
  for (int length = shortest; length <= 16; ++length) {
    if (top >= beyond_[length]) continue;
    const auto code = static_cast<int32_t>(top >> (16 - length));
    return {symbols_[static_cast<size_t>(code + place_[length])],
            static_cast<uint8_t>(length)};
  }
  return {};
}

bool JpegDcTable::Build(const JpegHuffmanTable& table) {
  if (!reader.Build(table)) return false;
  // Nor does libjpeg take such a table, used or not.
  for (const uint8_t symbol : table.symbols) {
    if (symbol > 15) return false;
  }
  for (uint64_t i = 0; i < entries.size(); ++i) {
    const uint64_t bits = i << (64 - kBits);
    entries[i] = 0;
    const JpegCodeReader::Code code = reader.Read(bits, 1);
    const int size = code.symbol;
    if (code.length == 0 || size > kMaxDcSize || code.length + size > kBits) {
      continue;
    }
    const int32_t value = size ? SignedValue(bits << code.length, size) : 0;
    entries[i] =
        static_cast<uint32_t>(value) << 16 | (code.length + uint32_t(size));
  }
  return true;
}

bool JpegAcTable::Build(const JpegHuffmanTable& table) {
  if (!reader.Build(table)) return false;
  constexpr uint32_t kZero = JpegTokenTable::kZero;
  // First what one code gives.
  std::array<uint64_t, size_t{1} << kBits> single;
  for (uint64_t i = 0; i < single.size(); ++i) {
    const uint64_t bits = i << (64 - kBits);
    const JpegCodeReader::Code code = reader.Read(bits, 1);
    const uint32_t run = code.symbol >> 4;
    const int size = code.symbol & 15;
    const uint32_t length = code.length + static_cast<uint32_t>(size);
    if (code.length > kBits) {
      single[i] = 0;
    } else if (code.symbol == 0xF0) {
      single[i] = Entry(kZero, kZero, length, 16);
    } else if (code.symbol == 0 && code.length > 0) {
      single[i] = Entry(kZero, kZero, length, kEnd);
    } else if (size == 0 || size > JpegTokenTable::kLogColumns - 1 ||
               length > kBits) {
      single[i] = uint64_t{code.symbol} << 48 | uint64_t{code.length} << 32;
    } else {
      const int32_t value = SignedValue(bits << code.length, size);
      const uint32_t column = static_cast<uint32_t>(value) + kZero;
      single[i] = Entry((run << JpegTokenTable::kLogColumns) + column, kZero,
                        length, run + 1);
    }
  }
  // Then another one behind it, where its bits are all there.
  for (uint64_t i = 0; i < entries.size(); ++i) {
    entries[i] = single[i];
    const uint32_t advance = AdvanceOf(single[i]);
    if (advance == 0 || advance >= kEnd) continue;
    const uint32_t length = LengthOf(single[i]);
    const uint64_t next = single[(i << length) & (single.size() - 1)];
    if (AdvanceOf(next) == 0 || LengthOf(next) + length > kBits) continue;
    entries[i] = Entry(static_cast<uint32_t>(single[i] & 0xFFFF),
                       (advance << JpegTokenTable::kLogColumns) +
                           static_cast<uint32_t>(next & 0xFFFF),
                       length + LengthOf(next), advance + AdvanceOf(next));
  }
  return true;
}

void JpegTokenTable::Build(const JpegRequantizer& requantize,
                           JpegToken tables) {
  tokens.fill(0);
  for (int position = 1; position < 64; ++position) {
    JpegToken* row = &tokens[static_cast<size_t>(position) << kLogColumns];
    for (int32_t magnitude = 1; magnitude < kZero; ++magnitude) {
      const int32_t moved = requantize(position, magnitude);
      if (moved == 0) continue;
      row[kZero + magnitude] = AcToken(tables, position, moved);
      row[kZero - magnitude] = AcToken(tables, position, -moved);
    }
  }
}

}  // namespace imgbatch
