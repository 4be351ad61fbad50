#include "cli/quantities.h"

#include <charconv>
#include <cmath>
#include <ctime>
#include <limits>

#include <fmt/format.h>

namespace imgbatch {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// A non-negative number with one of the units behind it.
template <size_t count>
std::optional<double> ParseWithUnit(std::string_view text,
                                    const Unit (&units)[count]) {
  size_t end = 0;
  while (end < text.size() &&
         ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) {
    ++end;
  }
  double number = 0;
  const auto [at, error] =
      std::from_chars(text.data(), text.data() + end, number);
  if (error != std::errc() || at != text.data() + end) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(end) == unit.name) return number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::optional<Milliseconds> ParseDuration(std::string_view text) {
  constexpr Unit kUnits[] = {{"", 1e3},      {"ms", 1},      {"s", 1e3},
                             {"m", 60e3},    {"min", 60e3},  {"h", 3600e3},
                             {"d", 86400e3}, {"w", 604800e3}};
  const auto value = ParseWithUnit(text, kUnits);
  if (!value || *value < 1 || *value > 1e13) return std::nullopt;
  return Milliseconds(std::llround(*value));
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  constexpr Unit kUnits[] = {{"", 1},       {"B", 1},         {"K", 1e3},
                             {"k", 1e3},    {"kB", 1e3},      {"M", 1e6},
                             {"MB", 1e6},   {"G", 1e9},       {"GB", 1e9},
                             {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
                             {"Ki", 1024},  {"Mi", 1 << 20},  {"Gi", 1 << 30}};
  const auto value = ParseWithUnit(text, kUnits);
  if (!value || *value < 1 || *value > 1e15) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::string ShowCount(int64_t count) {
  std::string digits = std::to_string(count < 0 ? -count : count);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return (count < 0 ? "-" : "") + digits;
}

std::string ShowBytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes)
                   : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string ShowDuration(Milliseconds duration) {
  const int64_t seconds = (duration.count() + 500) / 1000;
  if (seconds >= 3600) {
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60,
                       seconds % 60);
  }
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string ShowTime(WallTime time) {
  const std::time_t seconds = time / 1000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string ShowUtc(WallTime time) {
  const std::time_t seconds = time / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", text, time % 1000);
}

std::string ShowShare(int64_t part, int64_t whole) {
  if (whole <= 0) return "0 %";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) /
                                     static_cast<double>(whole));
}

}  // namespace imgbatch
