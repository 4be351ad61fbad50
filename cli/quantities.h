// Numbers as people type and read them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace imgbatch {

// "64", "-3".
std::optional<int64_t> ParseInteger(std::string_view text);
// "500ms", "30s", "5m", "2h", "90d"; a bare number is seconds. Positive.
std::optional<Milliseconds> ParseDuration(std::string_view text);
// "1000", "50MiB", "50MB", "50M" (decimal), "1GiB". Positive.
std::optional<uint64_t> ParseSize(std::string_view text);

std::string ShowCount(int64_t count);    // "12,480"
std::string ShowBytes(int64_t bytes);    // "38.4 MB"
std::string ShowDuration(Milliseconds);  // "0:52", "1:02:03"
std::string ShowTime(WallTime time);     // "2026-11-22 04:25:42", local time
std::string ShowUtc(WallTime time);      // RFC 3339, "2026-11-22T04:25:42.123Z"
// "57.3 %" of part in whole; "0 %" when there is no whole.
std::string ShowShare(int64_t part, int64_t whole);

}  // namespace imgbatch
