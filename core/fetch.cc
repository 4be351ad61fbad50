#include "core/fetch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace imgbatch {
namespace {

// Names the program; a site's operator can look it up.
constexpr std::string_view kUserAgent =
    "imgbatch/" IMGBATCH_VERSION " (+https://imgbatch.invalid/)";

bool IsFieldValue(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [&](char left, char right) { return lower(left) == lower(right); });
}

// --- HTTP dates, RFC 9110 section 5.6.7. ------------------------------------

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = text.find_first_not_of(" ,-:");
    if (begin == std::string_view::npos) return words;
    const size_t end = std::min(text.find_first_of(" ,-:", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

std::optional<int> Number(std::string_view text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<int> Month(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun",
      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (EqualsIgnoringCase(text, kMonths[i])) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

// Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94
// 08:49:37 GMT" or "Sun Nov  6 08:49:37 1994". Split at blanks, commas, dashes
// and colons, the first two have the same eight words.
std::optional<int64_t> ParseHttpDate(std::string_view text) {
  const std::vector<std::string_view> w = Words(text);
  const bool asctime = w.size() == 7;
  if (!asctime && w.size() != 8) return std::nullopt;
  const auto month = Month(asctime ? w[1] : w[2]);
  const auto day = Number(asctime ? w[2] : w[1]);
  const size_t clock = asctime ? 3 : 4;
  const auto hour = Number(w[clock]);
  const auto minute = Number(w[clock + 1]);
  const auto second = Number(w[clock + 2]);
  auto year = Number(asctime ? w[6] : w[3]);
  if (!month || !day || !hour || !minute || !second || !year) {
    return std::nullopt;
  }
  if (*year < 100) *year += *year < 70 ? 2000 : 1900;
  const std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(*month)),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *year > 9999 || *hour > 23 || *minute > 59 ||
      *second > 60) {
    return std::nullopt;
  }
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return int64_t{days} * 86400 + *hour * 3600 + *minute * 60 + *second;
}

// --- Verdicts. --------------------------------------------------------------

Refused Refuse(FailureCode code, int status, std::string message) {
  return {{code, status, std::move(message)}, std::nullopt};
}

Verdict JudgeFound(const HttpResponse& response) {
  const std::string& encoding = response.content_encoding;
  if (!encoding.empty() && !EqualsIgnoringCase(encoding, "identity")) {
    return Refuse(FailureCode::kBadResponse, response.status,
                  "the server sent a Content-Encoding that was not asked for");
  }
  if (response.body.size() == 0) {
    return Refuse(FailureCode::kBadResponse, response.status,
                  "the server sent an empty body");
  }
  return Fetched{};
}

Verdict JudgeRedirect(const HttpResponse& response) {
  if (!response.location.empty()) return Redirect{response.location};
  return Refuse(FailureCode::kBadResponse, response.status,
                "the server redirected to nowhere");
}

Verdict JudgeError(const HttpResponse& response, WallTime now) {
  const int status = response.status;
  Refused refused =
      status == 429
          ? Refuse(FailureCode::kRateLimited, status,
                   "the server asked to slow down (HTTP 429)")
          : Refuse(FailureCode::kHttpError, status,
                   "the server answered HTTP " + std::to_string(status));
  if (CanPass(refused.failure)) {
    refused.retry_after =
        RetryAfterSeconds(response.retry_after, response.date, now);
  }
  return refused;
}

}  // namespace

HttpRequest RequestFor(const std::string& url, const Settings& settings,
                       const KnownSource* known) {
  HttpRequest request;
  request.url = url;
  request.max_bytes = settings.max_bytes;
  request.timeout = settings.timeout;
  request.connect_timeout = settings.connect_timeout;
  request.allows = [policy = settings.network](const IpAddress& address) {
    return IsAllowed(address, policy);
  };
  request.headers.push_back({"User-Agent", IsFieldValue(settings.user_agent)
                                               ? settings.user_agent
                                               : std::string(kUserAgent)});
  request.headers.push_back({"Accept", "image/*,*/*;q=0.8"});
  // Without it a server may choose any coding (RFC 9110 section 12.5.3).
  request.headers.push_back({"Accept-Encoding", "identity"});
  if (known != nullptr) {
    if (IsFieldValue(known->etag)) {
      request.headers.push_back({"If-None-Match", known->etag});
    }
    if (IsFieldValue(known->last_modified)) {
      request.headers.push_back({"If-Modified-Since", known->last_modified});
    }
  }
  return request;
}

bool Contradicts(const HttpResponse& not_modified, const KnownSource& known) {
  // Weak and strong forms of a tag may stand for each other (RFC 9110 section
  // 8.8.3.2).
  const auto opaque = [](std::string_view tag) {
    return tag.starts_with("W/") ? tag.substr(2) : tag;
  };
  if (!not_modified.etag.empty() && !known.etag.empty() &&
      opaque(not_modified.etag) != opaque(known.etag)) {
    return true;
  }
  const uint64_t length = not_modified.content_length.value_or(0);
  return length != 0 && length != known.source_bytes;
}

bool ForbidsAi(std::string_view robots_tag) {
  std::string word;
  for (const char c : std::string(robots_tag) + ",") {
    if (c == ',' || c == ':') {  // "agent: directive" names an agent first.
      if (word == "noai" || word == "noimageai") return true;
      word.clear();
    } else if (c != ' ' && c != '\t') {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return false;
}

Verdict Judge(const HttpResponse& response, bool conditional, WallTime now) {
  switch (response.status) {
    case 200:
    case 203:
      return JudgeFound(response);
    case 201:
    case 202:
    case 204:
    case 205:
      return Refuse(FailureCode::kBadResponse, response.status,
                    "the server has no image there (HTTP " +
                        std::to_string(response.status) + ")");
    case 206:
      return Refuse(FailureCode::kBadResponse, 206,
                    "the server sent a part that was not asked for (HTTP 206)");
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return JudgeRedirect(response);
    case 304:
      if (conditional) return NotModified{};
      return Refuse(FailureCode::kBadResponse, 304,
                    "the server said \"not modified\" unasked (HTTP 304)");
    default:
      break;
  }
  if (response.status < 300) {
    return Refuse(
        FailureCode::kBadResponse, response.status,
        "the server answered HTTP " + std::to_string(response.status));
  }
  return JudgeError(response, now);
}

std::optional<int> RetryAfterSeconds(std::string_view retry_after,
                                     std::string_view date, WallTime now) {
  const size_t begin = retry_after.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  retry_after.remove_prefix(begin);
  retry_after = retry_after.substr(0, retry_after.find_last_not_of(" \t") + 1);
  if (retry_after.find_first_not_of("0123456789") == std::string_view::npos) {
    // More digits than an int holds are clamped like any large number.
    return std::min(Number(retry_after).value_or(kMaxRetryAfterSeconds),
                    kMaxRetryAfterSeconds);
  }
  const std::optional<int64_t> due = ParseHttpDate(retry_after);
  if (!due) return std::nullopt;
  const int64_t from = ParseHttpDate(date).value_or(now / 1000);
  return static_cast<int>(
      std::clamp<int64_t>(*due - from, 0, kMaxRetryAfterSeconds));
}

std::optional<RetryPlan> PlanRetry(const Refused& refused, int attempts,
                                   int64_t waited_ms, int retries,
                                   double random) {
  if (!CanPass(refused.failure)) return std::nullopt;

  const Milliseconds asked{1000 * int64_t{refused.retry_after.value_or(0)}};
  const Milliseconds charge = std::max(asked, kLeastCharge);
  if (asked.count() > 0 && waited_ms + charge.count() <= kMaxWaited.count()) {
    return RetryPlan{asked + Milliseconds(std::lround(random * 1000)),
                     std::max(attempts - 1, 0), waited_ms + charge.count()};
  }

  if (attempts > retries) return std::nullopt;
  constexpr std::array<int, 7> kDelayMs = {250,    2'000,  4'000, 8'000,
                                           16'000, 32'000, 60'000};
  const auto step = static_cast<size_t>(std::clamp(attempts - 1, 0, 6));
  const double delay = kDelayMs[step] * (0.5 + random);
  return RetryPlan{Milliseconds(std::lround(delay)), attempts, waited_ms};
}

}  // namespace imgbatch
