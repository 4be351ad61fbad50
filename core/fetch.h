// What to ask for an image, and what an answer means. Pure functions: no
// clock, no random numbers of their own, no network.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "core/http_client.h"
#include "core/job.h"
#include "core/settings.h"

namespace imgbatch {

// The request for `url` under the settings of a batch. Conditional headers are
// added when `known` is given.
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

// `conditional`: the request had a condition. `now` serves the date form of
// Retry-After.
Verdict Judge(const HttpResponse& response, bool conditional, WallTime now);

// Retry policy. `attempts`: tries so far that counted, the failed one
// included. `random` in [0, 1) is the jitter. nullopt: final, the image fails.
struct RetryPlan {
  Milliseconds delay{0};
  int attempts = 0;       // The new count.
  int64_t waited_ms = 0;  // The new sum of Retry-After waits.
};
std::optional<RetryPlan> PlanRetry(const Refused& refused, int attempts,
                                   int64_t waited_ms, int retries,
                                   double random);

inline constexpr int kMaxRedirects = 5;

}  // namespace imgbatch
