// Why one image failed, and whether trying again can help. An image's failure
// is data (a place in the CSV), not an Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imgbatch {

// The names are part of the interface (`status --failed`, `retry --only`) and
// of the store: append only, never renumber.
enum class FailureCode : uint8_t {
  kInvalidUrl = 1,
  kBlockedAddress = 2,
  kDnsFailure = 3,
  kConnectFailed = 4,
  kTlsError = 5,
  kTimeout = 6,
  kStalled = 7,
  kTruncated = 8,
  kTooManyRedirects = 9,
  kRateLimited = 10,
  kHttpError = 11,
  kBadResponse = 12,
  kTooLarge = 13,
  kRobotsRefused = 14,
  kNotAnImage = 15,
  kUnsupportedFormat = 16,
  kCorruptImage = 17,
  kTooManyPixels = 18,
  kTooComplex = 19,
  kCrashed = 20,
};

struct Failure {
  FailureCode code = FailureCode::kBadResponse;
  int http_status = 0;  // 0: no HTTP answer took part.
  std::string message;  // One sentence for a person, without the URL's query.
};

// "invalid_url", "blocked_address" … as product documentation lists them.
std::string_view Name(FailureCode code);
std::optional<FailureCode> FailureCodeFromName(std::string_view name);

// True for what can pass: time-outs, connection and DNS failures, truncation,
// HTTP 408, 425, 429 and 5xx. Everything else is final at once.
bool CanPass(const Failure& failure);

}  // namespace imgbatch
