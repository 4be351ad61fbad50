#include "core/uuid.h"

#include <cerrno>
#include <cstdint>
#include <mutex>

#include <sys/random.h>

#include "core/result.h"

namespace imgbatch {
namespace {

uint64_t RandomBits() {
  uint64_t bits = 0;
  ssize_t size;
  do {
    size = getrandom(&bits, sizeof bits, 0);
  } while (size < 0 && errno == EINTR);
  IMGBATCH_ASSERT(size == sizeof bits);
  return bits;
}

// The 122 bits that are not fixed: 48 of time, 12 and 62 of randomness.
struct Bits {
  uint64_t high = 0;  // time << 12 | rand_a
  uint64_t low = 0;   // rand_b
};
constexpr uint64_t kLowMask = (uint64_t{1} << 62) - 1;

// The only state: what was given last, so that the next one is greater.
Bits NextBits(WallTime now) {
  static std::mutex mutex;
  static Bits last;  // Guarded by mutex.
  const uint64_t time = static_cast<uint64_t>(now) & 0xFFFF'FFFF'FFFF;
  const std::lock_guard lock(mutex);
  if (time > last.high >> 12) {
    last = {time << 12 | (RandomBits() & 0xFFF), RandomBits() & kLowMask};
  } else {
    // RFC 9562, section 6.2, method 2: a random step keeps ids unguessable.
    last.low += (RandomBits() & 0xFFFF'FFFF) + 1;
    if (last.low > kLowMask) {
      last.low &= kLowMask;
      ++last.high;
    }
  }
  return last;
}

}  // namespace

std::string NewUuid(WallTime now) {
  const Bits bits = NextBits(now);
  const uint64_t high =
      (bits.high >> 12 << 16) | uint64_t{0x7000} | (bits.high & 0xFFF);
  const uint64_t low = uint64_t{1} << 63 | bits.low;
  std::string text;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text += '-';
    const uint64_t word = digit < 16 ? high : low;
    text += "0123456789abcdef"[word >> (60 - digit % 16 * 4) & 0xF];
  }
  return text;
}

}  // namespace imgbatch
