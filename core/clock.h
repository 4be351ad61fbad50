// Time, as a port: tests advance it themselves. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace imgbatch {

using Milliseconds = std::chrono::milliseconds;

// Milliseconds since 1970-01-01 UTC, as stored.
using WallTime = int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  // May jump; only for what is stored or shown.
  virtual WallTime Now() const = 0;
  // Never jumps; only for differences within this process.
  virtual Milliseconds Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime Now() const override;
  Milliseconds Steady() const override;
};

}  // namespace imgbatch
