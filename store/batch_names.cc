#include "store/batch_names.h"

namespace imgbatch {
namespace {

constexpr size_t kFewestDigits = 4;
constexpr size_t kMostListed = 5;

std::string DigitsOf(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == '-') continue;
    digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return digits;
}

}  // namespace

Result<std::string> ResolveBatchName(std::string_view name,
                                     const std::vector<std::string>& uuids) {
  const std::string shown(name);
  if (name == "latest") {
    if (uuids.empty()) {
      return Error{ErrorCode::kNotFound, "there is no batch yet"};
    }
    return uuids.back();
  }
  const std::string wanted = DigitsOf(name);
  if (wanted.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error{ErrorCode::kNotFound, "no such batch: " + shown};
  }
  if (wanted.size() < kFewestDigits) {
    return Error{ErrorCode::kUsage,
                 "a batch is named by four or more digits of its id, not by '" +
                     shown + "'"};
  }
  std::vector<std::string> matches;
  for (const std::string& uuid : uuids) {
    const std::string digits = DigitsOf(uuid);
    if (digits.starts_with(wanted) || digits.ends_with(wanted)) {
      matches.push_back(uuid);
    }
  }
  if (matches.size() == 1) return matches.front();
  if (matches.empty()) {
    return Error{ErrorCode::kNotFound, "no such batch: " + shown};
  }
  std::string message = "'" + shown + "' could be any of";
  for (size_t i = 0; i < matches.size() && i < kMostListed; ++i) {
    message += (i == 0 ? " " : ", ") + matches[i];
  }
  if (matches.size() > kMostListed) message += " …";
  return Error{ErrorCode::kUsage, message + "; give more digits"};
}

}  // namespace imgbatch
