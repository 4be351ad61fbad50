#include "core/failure.h"

#include <array>

namespace imgbatch {
namespace {

enum class Verdict : uint8_t { kFinal, kRetry, kByStatus };

struct Row {
  FailureCode code;
  std::string_view name;
  Verdict verdict;
};

constexpr std::array<Row, 20> kTable{{
    {FailureCode::kInvalidUrl, "invalid_url", Verdict::kFinal},
    {FailureCode::kBlockedAddress, "blocked_address", Verdict::kFinal},
    {FailureCode::kDnsFailure, "dns_failure", Verdict::kRetry},
    {FailureCode::kConnectFailed, "connect_failed", Verdict::kRetry},
    {FailureCode::kTlsError, "tls_error", Verdict::kFinal},
    {FailureCode::kTimeout, "timeout", Verdict::kRetry},
    {FailureCode::kStalled, "stalled", Verdict::kRetry},
    {FailureCode::kTruncated, "truncated", Verdict::kRetry},
    {FailureCode::kTooManyRedirects, "too_many_redirects", Verdict::kFinal},
    {FailureCode::kRateLimited, "rate_limited", Verdict::kRetry},
    {FailureCode::kHttpError, "http_error", Verdict::kByStatus},
    {FailureCode::kBadResponse, "bad_response", Verdict::kFinal},
    {FailureCode::kTooLarge, "too_large", Verdict::kFinal},
    {FailureCode::kRobotsRefused, "robots_refused", Verdict::kFinal},
    {FailureCode::kNotAnImage, "not_an_image", Verdict::kFinal},
    {FailureCode::kUnsupportedFormat, "unsupported_format", Verdict::kFinal},
    {FailureCode::kCorruptImage, "corrupt_image", Verdict::kFinal},
    {FailureCode::kTooManyPixels, "too_many_pixels", Verdict::kFinal},
    {FailureCode::kTooComplex, "too_complex", Verdict::kFinal},
    {FailureCode::kCrashed, "crashed", Verdict::kFinal},
}};

}  // namespace

std::string_view Name(FailureCode code) {
  for (const Row& row : kTable) {
    if (row.code == code) return row.name;
  }
  return "unknown";
}

std::optional<FailureCode> FailureCodeFromName(std::string_view name) {
  for (const Row& row : kTable) {
    if (row.name == name) return row.code;
  }
  return std::nullopt;
}

bool CanPass(const Failure& failure) {
  for (const Row& row : kTable) {
    if (row.code != failure.code) continue;
    if (row.verdict != Verdict::kByStatus) {
      return row.verdict == Verdict::kRetry;
    }
    const int status = failure.http_status;
    return status == 408 || status == 425 || status == 429 || status >= 500;
  }
  return false;
}

}  // namespace imgbatch
