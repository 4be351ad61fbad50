// Unaligned 64-bit loads and stores in network order.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace imgbatch {

inline uint64_t LoadBigEndian64(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little) {
    value = __builtin_bswap64(value);
  }
  return value;
}

inline void StoreBigEndian64(uint8_t* to, uint64_t value) {
  if constexpr (std::endian::native == std::endian::little) {
    value = __builtin_bswap64(value);
  }
  std::memcpy(to, &value, sizeof value);
}

}  // namespace imgbatch
