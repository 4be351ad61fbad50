// Batch ids: UUID version 7 (RFC 9562, section 5.7), lower case.
#pragma once

#include <string>

#include "core/clock.h"

namespace imgbatch {

// 48 bits of milliseconds, then random bits from the operating system. Later
// calls of one process give greater ids, within a millisecond too. Thread-safe.
std::string NewUuid(WallTime now);

}  // namespace imgbatch
