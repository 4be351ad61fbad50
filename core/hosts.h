// Politeness: how many requests each host may have now, how fast, and which
// hosts rest after failures. One thread (the conductor's); time is given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/job_store.h"

namespace imgbatch {

struct HostLimits {
  int total = 64;        // Requests in flight, all hosts.
  int per_host = 6;      // Requests to one host over HTTP/1.
  int per_h2_host = 32;  // Requests to one host that answered with HTTP/2.
  // Requests to a host that has not answered yet, and to all such hosts
  // together: hosts that hang cannot hold every place.
  int unproven = 2;
  int unproven_total = 16;
  // The breaker: after so many connection failures in a row a host rests …
  int failures_to_rest = 5;
  Milliseconds rest{30'000};
  // … and after so many rests without one success in between it is given up.
  int rests_to_give_up = 3;
};

enum class HostEvent : uint8_t {
  kAnsweredHttp1,  // Any answer over HTTP/1.x.
  kAnsweredHttp2,
  kThrottled,     // 429 or 503: the pace drops at once, recovers slowly.
  kNoConnection,  // DNS, connect or time-out failure.
  kNeutral,       // Cancelled, or a failure that says nothing of the host.
};

class Hosts final : public HostPlaces {
 public:
  explicit Hosts(const HostLimits& limits) : limits_(limits) {}

  // Call before a turn: Free() speaks of this moment.
  void SetTime(Milliseconds steady_now) { now_ = steady_now; }
  int Free(std::string_view host) override;
  void Take(std::string_view host) override;
  // A request to the host ended; its place is free again.
  void Release(std::string_view host, HostEvent event);
  // Hosts that were given up since the last call.
  std::vector<std::string> TakeGivenUp();
  // When Free() may next change without a Release (a rest ends, a pace
  // allows another); nullopt: never.
  std::optional<Milliseconds> NextChange() const;
  int in_flight() const { return in_flight_; }

 private:
  struct Host {
    int in_flight = 0;
    bool proven = false;
    bool http2 = false;
    int failures = 0;  // In a row.
    int rests = 0;     // Without a success in between.
    Milliseconds rests_until{0};
    double pace = 1.0;  // Share of the places, after throttling.
    Milliseconds throttled_at{0};
  };
  Host& Of(std::string_view host);

  HostLimits limits_;
  Milliseconds now_{0};
  std::unordered_map<std::string, Host> hosts_;
  std::vector<std::string> given_up_;
  int in_flight_ = 0;
  int unproven_in_flight_ = 0;
};

}  // namespace imgbatch
