// What to ask for an image, and what an answer means. Pure functions: no
// clock, no random numbers of their own, no network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/http_client.h"
#include "core/job.h"
#include "core/settings.h"

namespace imgbatch {

// The request for `url` under the settings of a batch. Conditional headers are
// added when `known` is given and has an ETag or a date.
HttpRequest RequestFor(const std::string& url, const Settings& settings,
                       const KnownSource* known);

// What to do next about an image.
struct Fetched {};      // 200 with a body worth decoding.
struct NotModified {};  // 304 to a condition of ours.
struct Redirect {
  std::string location;  // As sent; see ResolveUrl.
};
struct Refused {
  Failure failure;
  // Seconds the server asked for (clamped to 0..300), when it did.
  std::optional<int> retry_after;
};
using Verdict = std::variant<Fetched, NotModified, Redirect, Refused>;

// Judges by status and headers; what the body is, is the codec's to say.
//
//   status               verdict
//   200, 203             Fetched; kBadResponse when the body is empty or has a
//                        Content-Encoding (none was asked for)
//   201, 202, 204, 205   kBadResponse: no image (yet)
//   206 and other 2xx    kBadResponse: part of an image, unasked for
//   301 302 303 307 308  Redirect; kBadResponse without a Location
//   304                  NotModified; kBadResponse unless `conditional`
//   429                  kRateLimited, with Retry-After        can be retried
//   408, 425, 5xx        kHttpError, with Retry-After          can be retried
//   everything else      kHttpError                            final
//
// `conditional`: the request had a condition. `now` serves the date form of
// Retry-After when the response has no Date of its own.
Verdict Judge(const HttpResponse& response, bool conditional, WallTime now);

// Whether a 304 speaks of another image than the known one: by an ETag that is
// not ours, or by a length (0 is what some servers say of the 304 itself).
// Then the server is asked again without a condition.
bool Contradicts(const HttpResponse& not_modified, const KnownSource& known);

// Whether an X-Robots-Tag (fields joined by ",") forbids use by machines that
// learn: "noai" or "noimageai", for anybody or for a named agent.
bool ForbidsAi(std::string_view robots_tag);

// Seconds from now that a Retry-After field asks for: a number or one of the
// three date forms of RFC 9110 section 5.6.7, clamped to 0..300. A date is read
// against `date` (the response's Date field) where that can be read, since
// clocks differ. nullopt: no such field, or not understood.
std::optional<int> RetryAfterSeconds(std::string_view retry_after,
                                     std::string_view date, WallTime now);

// Retry policy. `attempts`: tries so far that counted, the failed one
// included. `random` in [0, 1) is the jitter. nullopt: final, the image fails.
//
//   after try  1     2  3  4  5   6   7 and later
//   seconds    0.25  2  4  8  16  32  60           each times 0.5 to 1.5
//
// A Retry-After of a second or more wins, with up to a second of jitter on
// top, and the try does not count: as long as the image's waits stay within
// kMaxWaited. Each is charged there with kLeastCharge at least, so that a
// server that always says "1" cannot be asked nine hundred times.
struct RetryPlan {
  Milliseconds delay{0};
  int attempts = 0;       // The new count.
  int64_t waited_ms = 0;  // The new sum of Retry-After waits.
};
std::optional<RetryPlan> PlanRetry(const Refused& refused, int attempts,
                                   int64_t waited_ms, int retries,
                                   double random);

inline constexpr int kMaxRedirects = 5;
inline constexpr int kMaxRetryAfterSeconds = 300;
inline constexpr Milliseconds kMaxWaited{15 * 60 * 1000};
inline constexpr Milliseconds kLeastCharge{15'000};

}  // namespace imgbatch
