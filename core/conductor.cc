#include "core/conductor.h"

#include <algorithm>
#include <utility>

#include "core/file_client.h"
#include "core/flight.h"
#include "core/url.h"

namespace imgbatch {
namespace {

// How often somebody looks whether another process died or ended the batch.
constexpr Milliseconds kTick{500};

}  // namespace

Conductor::Conductor(const Parts& parts, const ConductorLimits& limits)
    : parts_(parts),
      limits_(limits),
      hosts_(limits.hosts),
      random_(std::random_device()()),
      workshop_(std::make_unique<Workshop>(
          parts.codec, parts.pool, parts.journal, limits.workers,
          limits.writers, limits.decode_memory)) {}

Conductor::~Conductor() = default;

void Conductor::Stop() { events_.Push(StopRequest{}); }

Result<DrainEnd> Conductor::Drain(const Scope& scope, const PlanSource& plans,
                                  std::optional<Recording> recording) {
  scope_ = scope;
  plan_source_ = plans;
  recording_ = recording;
  ended_ = false;
  started_at_ = looked_at_ = parts_.clock.Steady();
  if (recording_) {
    recording_->feed->Open(
        [this](RowGroup group) { events_.Push(std::move(group)); });
  }
  while (true) {
    for (Event& event : events_.TakeAll(WaitTime())) {
      hosts_.SetTime(parts_.clock.Steady());
      std::visit([this](auto&& what) { Handle(std::move(what)); },
                 std::move(event));
    }
    hosts_.SetTime(parts_.clock.Steady());
    CheckDuration();
    if ((stopping_ || error_) && !shutting_down_) BeginShutdown();
    if (!shutting_down_) {
      RecordRows();
      SendParked();
    }
    Exchange();
    for (const ImageEvent& event : finished_) parts_.observer.OnImage(event);
    finished_.clear();
    parts_.observer.OnTurn(static_cast<int>(flights_.size()));
    if (Over()) break;
  }
  if (recording_) recording_->feed->Close();
  if (error_) return *error_;
  if (ended_) return DrainEnd::kEnded;
  return limit_reached_ ? DrainEnd::kLimit : DrainEnd::kStopped;
}

void Conductor::RecordRows() {
  if (rows_.empty()) return;
  // One group a turn, so that images go on moving while rows come in.
  RowGroup group = std::move(rows_.front());
  rows_.erase(rows_.begin());
  recording_->feed->Taken();
  const WallTime now = parts_.clock.Now();
  if (!group.rows.empty()) {
    auto recorded = parts_.store.Record(recording_->batch, group.rows, now);
    if (!recorded) return RunFailed(recorded.error());
    dry_ = false;
  }
  if (!group.end) return;
  if (!*group.end) return RunFailed(group.end->error());
  auto sealed = parts_.store.Seal(recording_->batch, **group.end, now);
  if (!sealed) return RunFailed(sealed.error());
  if (*sealed && scope_.batch == (*sealed)->batch) ended_ = true;
}

void Conductor::Exchange() {
  ExchangeRequest request;
  request.scope = scope_;
  const std::vector<Outcome> outcomes = std::exchange(outcomes_, {});
  request.outcomes = outcomes;
  std::vector<ContentLookup> lookups;
  for (const Ticket ticket : lookups_) {
    const auto at = flights_.find(ticket);
    // A flight that ended meanwhile still needs its place in the answer.
    lookups.push_back(at == flights_.end()
                          ? ContentLookup{}
                          : ContentLookup{at->second->claim.batch,
                                          at->second->response.body_hash});
  }
  request.lookups = lookups;
  std::vector<HostFailure> failed_hosts;
  // A turn late: the failures that were the last straw must be in the store
  // before, or their images would still be claimed and miss it.
  const std::vector<std::string> hosts =
      std::exchange(given_up_, hosts_.TakeGivenUp());
  for (const std::string& host : hosts) {
    for (const auto& [batch, plan] : plans_) {
      failed_hosts.push_back(
          {batch, host,
           Failure{FailureCode::kConnectFailed, 0,
                   "the host did not answer for a long time; retry later"}});
    }
  }
  request.failed_hosts = failed_hosts;
  request.wanted = Wanted();
  request.hosts = &hosts_;
  request.now = parts_.clock.Now();
  if (request.wanted == 0 && outcomes.empty() && lookups.empty() &&
      failed_hosts.empty()) {
    return;
  }
  auto exchanged = parts_.store.Exchange(request);
  if (!exchanged) return RunFailed(exchanged.error());
  dry_ = static_cast<int>(exchanged->claims.size()) < request.wanted;
  Settle(*std::move(exchanged));
}

void Conductor::Settle(Exchanged exchanged) {
  next_due_ = exchanged.next_due;
  for (const EndedBatch& ended : exchanged.ended) {
    plans_.erase(ended.batch);
    if (scope_.batch == ended.batch) ended_ = true;
  }
  const std::vector<Ticket> lookups = std::exchange(lookups_, {});
  for (size_t i = 0; i < lookups.size(); ++i) {
    const auto at = flights_.find(lookups[i]);
    if (at == flights_.end()) continue;
    Flight& flight = *at->second;
    if (shutting_down_) {
      End(flight, ImageReleased{});
    } else if (exchanged.known[i]) {
      Keep(flight, std::nullopt, *std::move(exchanged.known[i]));
    } else if (const auto other = converting_.find(flight.content());
               other != converting_.end()) {
      flight.stage = Flight::Stage::kSharing;
      flights_.at(other->second)->sharers.push_back(flight.ticket);
      DropBody(flight);
    } else {
      Convert(flight);
    }
  }
  for (Claim& claim : exchanged.claims) Admit(std::move(claim));
}

void Conductor::Admit(Claim claim) {
  auto flight = std::make_unique<Flight>();
  flight->ticket = next_ticket_++;
  flight->claim = std::move(claim);
  Flight& admitted = *flight;
  flights_[admitted.ticket] = std::move(flight);
  auto plan = PlanOf(admitted.claim.batch);
  auto url = ParseRecordedUrl(admitted.claim.url);
  // The place at the host was taken by the claim.
  if (!plan || !url) {
    hosts_.Release(admitted.claim.host, HostEvent::kNeutral);
    if (!plan) {
      RunFailed(plan.error());
      return End(admitted, ImageReleased{});
    }
    admitted.plan = *plan;
    return Fail(admitted, url.error(), 1);
  }
  admitted.plan = *plan;
  admitted.url = *std::move(url);
  admitted.url.host = admitted.claim.host;
  Send(admitted);
}

Result<Conductor::Plan*> Conductor::PlanOf(BatchKey batch) {
  const auto at = plans_.find(batch);
  if (at != plans_.end()) return &at->second;
  auto loaded = plan_source_(batch);
  if (!loaded) return loaded.error();
  Plan plan{*std::move(loaded), ""};
  plan.fingerprint = Fingerprint(plan.batch.recipe);
  return &(plans_[batch] = std::move(plan));
}

int Conductor::Wanted() const {
  if (shutting_down_ || error_ || ended_) return 0;
  if (body_bytes_ > limits_.body_memory) return 0;
  // Beyond the requests in flight a few images may wait for workers and disk.
  const int flights = static_cast<int>(flights_.size());
  const int backlog = 4 * limits_.workers + 2 * limits_.writers;
  int wanted = std::min(limits_.concurrency - hosts_.in_flight() -
                            static_cast<int>(parked_.size()),
                        limits_.concurrency + backlog - flights);
  if (limits_.max_images) {
    wanted = static_cast<int>(std::min<int64_t>(
        wanted, *limits_.max_images - finished_count_ - flights));
  }
  return std::max(wanted, 0);
}

Milliseconds Conductor::WaitTime() const {
  if (!outcomes_.empty() || !lookups_.empty() || !given_up_.empty()) {
    return Milliseconds(0);
  }
  const Milliseconds now = parts_.clock.Steady();
  Milliseconds wait = kTick;
  if (shutting_down_) {
    return std::clamp(deadline_ - now, Milliseconds(0), wait);
  }
  if (!rows_.empty() || stopping_ || error_) return Milliseconds(0);
  if (!dry_ && Wanted() > 0) return Milliseconds(0);
  if (next_due_) {
    wait = std::min(wait, Milliseconds(*next_due_ - parts_.clock.Now()));
  }
  if (const auto change = hosts_.NextChange()) {
    wait = std::min(wait, *change - now);
  }
  return std::max(wait, Milliseconds(1));
}

bool Conductor::Over() {
  if (shutting_down_) {
    if (!outcomes_.empty()) return error_.has_value() && flights_.empty();
    if (flights_.empty()) return true;
    if (parts_.clock.Steady() < deadline_) return false;
    AbandonFlights();
    return false;  // One more turn hands them in.
  }
  if (error_ || stopping_) return false;
  if (!flights_.empty() || !outcomes_.empty()) return false;
  if (ended_) return true;
  if (limits_.max_images && finished_count_ >= *limits_.max_images) {
    limit_reached_ = true;
    return true;
  }
  LookWhetherEnded();
  return ended_;
}

// Another process may have ended or cancelled the batch.
void Conductor::LookWhetherEnded() {
  if (!scope_.batch || parts_.clock.Steady() - looked_at_ < kTick) return;
  looked_at_ = parts_.clock.Steady();
  auto batch = parts_.reader.ReadBatch(*scope_.batch);
  if (!batch) return RunFailed(batch.error());
  if (HasEnded(batch->state)) ended_ = true;
}

void Conductor::CheckDuration() {
  if (stopping_ || !limits_.max_duration) return;
  if (parts_.clock.Steady() - started_at_ < *limits_.max_duration) return;
  limit_reached_ = true;
  stopping_ = true;
}

void Conductor::BeginShutdown() {
  shutting_down_ = true;
  deadline_ = parts_.clock.Steady() + limits_.grace;
  if (recording_) recording_->feed->Close();
  rows_.clear();
  workshop_->DropWaiting();
  parts_.http.CancelAll();
  parked_.clear();
  lookups_.clear();
  std::vector<Flight*> idle;
  for (const auto& [ticket, flight] : flights_) {
    if (flight->stage == Flight::Stage::kParked ||
        flight->stage == Flight::Stage::kLooking ||
        flight->stage == Flight::Stage::kSharing) {
      idle.push_back(flight.get());
    }
  }
  for (Flight* flight : idle) End(*flight, ImageReleased{});
}

// The grace time is over. What a worker still reads must stay alive.
void Conductor::AbandonFlights() {
  for (auto& [ticket, flight] : flights_) {
    outcomes_.push_back(
        {flight->claim.image, ImageReleased{}, flight->downloaded});
    abandoned_.push_back(std::move(flight));
  }
  flights_.clear();
}

void Conductor::RunFailed(Error error) {
  if (!error_) error_ = std::move(error);
}

}  // namespace imgbatch
