// Integers of fixed byte order, as file formats have them. The reader answers
// for the bounds.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace imgbatch {

using Bytes = std::span<const uint8_t>;

inline uint16_t Be16(const uint8_t* p) {
  return static_cast<uint16_t>(p[0] << 8 | p[1]);
}
inline uint16_t Le16(const uint8_t* p) {
  return static_cast<uint16_t>(p[1] << 8 | p[0]);
}
inline uint32_t Be32(const uint8_t* p) {
  return uint32_t{Be16(p)} << 16 | Be16(p + 2);
}
inline uint32_t Le24(const uint8_t* p) {
  return uint32_t{p[2]} << 16 | Le16(p);
}
inline uint32_t Le32(const uint8_t* p) {
  return uint32_t{Le16(p + 2)} << 16 | Le16(p);
}

inline void AppendBe32(std::vector<uint8_t>& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
}
inline void AppendLe32(std::vector<uint8_t>& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
}
inline void Append(std::vector<uint8_t>& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
// True when `magic` stands at `offset`.
inline bool HasAt(Bytes bytes, size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() &&
         AsText(bytes.subspan(offset, magic.size())) == magic;
}

}  // namespace imgbatch
