// The coefficients of a picture as a flat list: what lies between a decoder
// and an encoder of JPEG. Blocks follow each other in the order of a scan of
// all components; zero coefficients take no room.
//
// A block is: one DC token (the difference to the component's previous block),
// an AC token for each non-zero coefficient, an end token unless the last
// coefficient is at position 63. Blocks that only pad the last units are
// there too: a DC difference of 0 and an end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "formats/jpeg_markers.h"
#include "formats/jpeg_quant.h"

namespace imgbatch {

// Bits 0-5: zigzag position; 6: AC or end; 7: chroma tables; 8-13: all ones
// for AC; 16-31: the signed value.
using JpegToken = uint32_t;

inline constexpr JpegToken kAcTable = 1 << 6;
inline constexpr JpegToken kChromaTables = 1 << 7;
inline constexpr JpegToken kRunMask = 0x3F << 8;

inline JpegToken MakeToken(JpegToken base, int32_t value) {
  return base | static_cast<uint32_t>(value) << 16;
}
inline JpegToken DcToken(JpegToken tables, int32_t difference) {
  return MakeToken(tables, difference);
}
inline JpegToken AcToken(JpegToken tables, int position, int32_t value) {
  return MakeToken(
      tables | kAcTable | kRunMask | static_cast<uint32_t>(position), value);
}
inline JpegToken EndToken(JpegToken tables) { return tables | kAcTable; }

inline int PositionOf(JpegToken token) { return token & 63; }
inline int32_t ValueOf(JpegToken token) {
  return static_cast<int32_t>(token) >> 16;
}
inline bool IsAc(JpegToken token) { return (token & kRunMask) != 0; }
inline bool IsDc(JpegToken token) { return (token & kAcTable) == 0; }

// Tokens of one picture; keeps its memory for the next one. A decoder calls
// Reserve often enough and writes through the pointer; nothing is initialised.
class JpegTokens {
 public:
  void Clear() { size_ = 0; }
  JpegToken* data() { return data_.get(); }
  const JpegToken* data() const { return data_.get(); }
  size_t size() const { return size_; }
  void Resize(size_t size) { size_ = size; }
  size_t capacity() const { return capacity_; }
  // Keeps the first `used` tokens.
  void Grow(size_t used, size_t capacity);
  void Release();

 private:
  std::unique_ptr<JpegToken[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// The blocks of one unit (MCU) of a scan of all components, in order. A scan
// of a single component has one block per unit, whatever its sampling.
struct JpegUnits {
  struct Block {
    uint8_t component = 0;
    uint8_t x = 0, y = 0;  // Within the component's part of the unit.
  };
  std::array<Block, 64> blocks{};
  int blocks_per_unit = 0;
  uint32_t across = 0, down = 0;  // Units.
  // Bit n: block n of a unit in the last column (row) is padding.
  uint64_t padding_right = 0;
  uint64_t padding_bottom = 0;
};
JpegUnits UnitsOf(const JpegHeader& header);

// The bits of every token of a component.
JpegToken TablesOf(const JpegHeader& header, int component);

// Rewrites nothing: the most tokens a unit can have.
inline constexpr size_t kMaxTokensPerBlock = 65;

}  // namespace imgbatch
