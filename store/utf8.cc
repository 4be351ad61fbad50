#include "store/utf8.h"

#include <cstdint>
#include <cstring>

namespace imgbatch {
namespace {

// Length of the well-formed sequence at `at`, 0 when there is none: table 3-7
// of the Unicode standard.
size_t SequenceAt(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t offset) {
    return at + offset < bytes.size() ? static_cast<uint8_t>(bytes[at + offset])
                                      : uint8_t{0};
  };
  const auto continues = [&](size_t offset) {
    return (byte(offset) & 0xC0) == 0x80;
  };
  const uint8_t first = byte(0), second = byte(1);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool above = first == 0xF4 && second > 0x8F;
    const bool four = continues(1) && continues(2) && continues(3);
    return four && !overlong && !above ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool IsCleanText(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    uint64_t word;
    if (bytes.size() - at >= sizeof word) {
      std::memcpy(&word, bytes.data() + at, sizeof word);
      const uint64_t zero_found =
          (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
      if ((word & 0x8080808080808080u) == 0 && zero_found == 0) {
        at += sizeof word;
        continue;
      }
    }
    const size_t length = SequenceAt(bytes, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace imgbatch
