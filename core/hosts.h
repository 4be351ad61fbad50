// Politeness: how many requests each host may have now, how fast, and which
// hosts rest after failures. One thread (the conductor's); time is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/job_store.h"
#include "core/result.h"

namespace imgbatch {

struct HostLimits {
  int total = 64;        // Requests in flight, all hosts.
  int per_host = 6;      // Requests to one host over HTTP/1.
  int per_h2_host = 32;  // Requests to one host that answered with HTTP/2.
  // Requests to a host that has not answered yet: two, but one when a good
  // part of the next number is taken. A host that failed twice in a row counts
  // among them again.
  int unproven = 2;
  // Requests to all such hosts together, but at most half of `total`. More
  // are begun only while `reserve` places stay free for hosts that answer:
  // hosts that hang can neither hold every place nor keep others from being
  // tried for long.
  int unproven_total = 16;
  int reserve = 16;
  // The breaker: after so many connection failures in a row a host rests, and
  // one request tries it afterwards …
  int failures_to_rest = 5;
  Milliseconds rest{30'000};
  // … and when so many rests passed without one success it is given up.
  int rests_to_give_up = 3;
  // The pace: 429 or 503 leave at least this time between two requests to the
  // host. While nothing else comes it doubles, up to the most; each answer of
  // another kind takes a tenth off. Under 5 ms there is no pace any more.
  Milliseconds first_gap{100};
  Milliseconds most_gap{2'000};
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
  // A request to the host ended; its place is free again. `pause`: the host
  // asked for no request at all for this long (Retry-After of a 429).
  void Release(std::string_view host, HostEvent event,
               Milliseconds pause = Milliseconds(0));
  // Hosts that were given up since the last call. Each then rests once more
  // and starts afresh, for whoever asks again.
  std::vector<std::string> TakeGivenUp();
  // When Free() may next change without a Release (a rest ends, a pace
  // allows another); nullopt: never.
  std::optional<Milliseconds> NextChange() const;
  int in_flight() const { return in_flight_; }

 private:
  struct Host {
    int in_flight = 0;
    bool proven = false;  // Answered, and not failing since.
    bool http2 = false;
    int failures = 0;  // In a row.
    int rests = 0;     // Without a success in between.
    Milliseconds rests_until{0};
    Milliseconds gap{0};  // Between two requests; 0: none.
    Milliseconds next_take{0};
    Milliseconds throttled_at{0};
    bool throttled = false;  // By its last answer.
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <typename Value>
  using ByName =
      std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

  int FreeUnproven(int in_flight) const;
  Host& Of(std::string_view host);
  void SetProven(Host& host, bool proven);
  void Answered(Host& host);
  void Throttled(std::string_view name, Host& host);
  void Failed(std::string_view name, Host& host);
  void ForgetIdle();

  HostLimits limits_;
  Milliseconds now_{0};
  ByName<Host> hosts_;
  // Those of hosts_ that rest or have a pace: few, looked through each turn.
  std::vector<std::string> timed_;
  std::vector<std::string> given_up_;
  int in_flight_ = 0;
  int unproven_in_flight_ = 0;
};

}  // namespace imgbatch
