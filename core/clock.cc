#include "core/clock.h"

namespace imgbatch {

WallTime SystemClock::Now() const {
  return std::chrono::duration_cast<Milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Milliseconds SystemClock::Steady() const {
  return std::chrono::duration_cast<Milliseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace imgbatch
