#include "core/hosts.h"

#include <algorithm>
#include <utility>

namespace imgbatch {
namespace {

constexpr Milliseconds kNoGapBelow{5};

// A process that serves for months meets many hosts; those that say nothing
// worth remembering are dropped above this number.
constexpr size_t kMostRemembered = 20'000;

}  // namespace

int Hosts::Free(std::string_view name) {
  const auto at = hosts_.find(name);
  if (at == hosts_.end()) return FreeUnproven(0);
  const Host& host = at->second;
  if (host.rests_until > now_) return 0;

  int free = 0;
  if (host.proven) {
    const int most = host.http2 ? limits_.per_h2_host : limits_.per_host;
    free = std::min(limits_.total - in_flight_, most - host.in_flight);
  } else {
    free = FreeUnproven(host.in_flight);
    if (host.rests > 0) free = std::min(free, 1 - host.in_flight);
  }
  if (host.gap.count() > 0) {
    free = std::min(free, host.next_take <= now_ ? 1 : 0);
  }
  return std::max(free, 0);
}

void Hosts::Take(std::string_view name) {
  Host& host = Of(name);
  ++host.in_flight;
  ++in_flight_;
  if (!host.proven) ++unproven_in_flight_;
  if (host.gap.count() > 0) host.next_take = now_ + host.gap;
}

void Hosts::Release(std::string_view name, HostEvent event,
                    Milliseconds pause) {
  Host& host = Of(name);
  IMGBATCH_ASSERT(host.in_flight > 0);
  --host.in_flight;
  --in_flight_;
  if (!host.proven) --unproven_in_flight_;
  switch (event) {
    case HostEvent::kAnsweredHttp1:
    case HostEvent::kAnsweredHttp2:
      host.http2 = event == HostEvent::kAnsweredHttp2;
      Answered(host);
      host.throttled = false;
      host.gap = host.gap * 9 / 10;
      if (host.gap < kNoGapBelow) host.gap = Milliseconds(0);
      break;
    case HostEvent::kThrottled:
      Answered(host);
      Throttled(name, host);
      break;
    case HostEvent::kNoConnection:
      Failed(name, host);
      break;
    case HostEvent::kNeutral:
      break;
  }
  if (pause.count() > 0) {
    host.rests_until = std::max(host.rests_until, now_ + pause);
    timed_.emplace_back(name);
  }
  std::erase_if(timed_, [this](const std::string& timed) {
    const auto at = hosts_.find(timed);
    return at == hosts_.end() ||
           (at->second.rests_until <= now_ && at->second.gap.count() == 0);
  });
}

std::vector<std::string> Hosts::TakeGivenUp() {
  return std::exchange(given_up_, {});
}

std::optional<Milliseconds> Hosts::NextChange() const {
  std::optional<Milliseconds> next;
  for (const std::string& name : timed_) {
    const auto at = hosts_.find(name);
    if (at == hosts_.end()) continue;
    for (const Milliseconds when :
         {at->second.rests_until, at->second.next_take}) {
      if (when > now_ && (!next || when < *next)) next = when;
    }
  }
  return next;
}

int Hosts::FreeUnproven(int in_flight) const {
  const int left = limits_.total - in_flight_;
  const int share =
      std::max(1, std::min(limits_.unproven_total, limits_.total / 2));
  const int all = std::max(share - unproven_in_flight_, left - limits_.reserve);
  const bool crowded = unproven_in_flight_ >= share / 2;
  const int most = crowded ? 1 : std::min(limits_.unproven, limits_.per_host);
  return std::max(std::min({left, all, most - in_flight}), 0);
}

Hosts::Host& Hosts::Of(std::string_view name) {
  const auto at = hosts_.find(name);
  if (at != hosts_.end()) return at->second;
  if (hosts_.size() >= kMostRemembered) ForgetIdle();
  return hosts_[std::string(name)];
}

void Hosts::SetProven(Host& host, bool proven) {
  if (host.proven == proven) return;
  host.proven = proven;
  unproven_in_flight_ += proven ? -host.in_flight : host.in_flight;
}

void Hosts::Answered(Host& host) {
  SetProven(host, true);
  host.failures = 0;
  host.rests = 0;
}

// The answers of one burst count once: those that were on their way when the
// gap was set say nothing about it. Nor does a throttled answer between good
// ones ask for a longer gap: some servers refuse each new URL once.
void Hosts::Throttled(std::string_view name, Host& host) {
  const bool again = std::exchange(host.throttled, true);
  if (host.gap.count() == 0) {
    timed_.emplace_back(name);
  } else if (now_ - host.throttled_at < host.gap) {
    return;
  }
  const Milliseconds gap = again ? host.gap * 2 : host.gap;
  host.gap = std::clamp(gap, limits_.first_gap, limits_.most_gap);
  host.throttled_at = now_;
  host.next_take = now_ + host.gap;
}

void Hosts::Failed(std::string_view name, Host& host) {
  if (++host.failures >= 2) SetProven(host, false);
  // After a rest one failure is enough. Requests that were on their way when
  // the rest began end in it, and count no second time.
  const bool again = host.rests > 0;
  if (host.rests_until > now_) return;
  if (!again && host.failures < limits_.failures_to_rest) return;
  host.rests_until = now_ + limits_.rest;
  timed_.emplace_back(name);
  if (host.rests < limits_.rests_to_give_up) {
    ++host.rests;
    return;
  }
  given_up_.emplace_back(name);
  host.failures = 0;
  host.rests = 0;
}

void Hosts::ForgetIdle() {
  std::erase_if(hosts_, [this](const auto& entry) {
    const Host& host = entry.second;
    return host.in_flight == 0 && host.rests_until <= now_ && host.rests == 0 &&
           host.gap.count() == 0;
  });
}

}  // namespace imgbatch
