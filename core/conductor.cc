#include "core/conductor.h"

#include <algorithm>
#include <utility>

#include "core/file_client.h"
#include "core/naming.h"
#include "core/url.h"

namespace imgbatch {
namespace {

// How often somebody looks whether another process died or ended the batch.
constexpr Milliseconds kTick{500};

HostEvent EventOf(const HttpAnswer& answer) {
  if (const auto* response = std::get_if<HttpResponse>(&answer)) {
    if (response->status == 429 || response->status == 503) {
      return HostEvent::kThrottled;
    }
    return response->version == 20 ? HostEvent::kAnsweredHttp2
                                   : HostEvent::kAnsweredHttp1;
  }
  if (const auto* failed = std::get_if<HttpFailure>(&answer)) {
    switch (failed->failure.code) {
      case FailureCode::kDnsFailure:
      case FailureCode::kConnectFailed:
      case FailureCode::kTimeout:
        return HostEvent::kNoConnection;
      case FailureCode::kStalled:
        // A host that accepts and says nothing is as good as none.
        return failed->downloaded == 0 ? HostEvent::kNoConnection
                                       : HostEvent::kNeutral;
      default:
        break;
    }
  }
  return HostEvent::kNeutral;
}

// How long the server asked the whole host to be left alone.
Milliseconds PauseOf(const HttpAnswer& answer, WallTime now) {
  const auto* response = std::get_if<HttpResponse>(&answer);
  if (response == nullptr ||
      (response->status != 429 && response->status != 503)) {
    return Milliseconds(0);
  }
  const auto seconds =
      RetryAfterSeconds(response->retry_after, response->date, now);
  return Milliseconds(1000) * seconds.value_or(0);
}

}  // namespace

// One claimed image on its way.
struct Conductor::Flight {
  enum class Stage : uint8_t {
    kParked,
    kFetching,
    kLooking,
    kSharing,  // Waits for another flight that converts the same content.
    kConverting,
    kKeeping
  };

  Ticket ticket = 0;
  Claim claim;
  Plan* plan = nullptr;
  Url url;  // What is fetched now: the claim's, or where it was redirected to.
  int hops = 0;
  Stage stage = Stage::kParked;
  bool conditional = false;
  uint64_t downloaded = 0;
  HttpResponse response;  // Its body until it is converted.
  uint64_t source_bytes = 0;
  DoneHow how = DoneHow::kRecompressed;
  std::string reason;
  std::vector<Ticket> sharers;

  ContentId content() const { return {plan->fingerprint, response.body_hash}; }
};

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

void Conductor::Handle(Answered event) {
  const auto at = flights_.find(event.ticket);
  if (at == flights_.end()) return;
  Flight& flight = *at->second;
  hosts_.Release(flight.url.host, EventOf(event.answer),
                 PauseOf(event.answer, parts_.clock.Now()));
  if (auto* response = std::get_if<HttpResponse>(&event.answer)) {
    flight.downloaded += response->body.size();
    if (shutting_down_) return End(flight, ImageReleased{});
    return HandleResponse(flight, std::move(*response));
  }
  if (auto* failed = std::get_if<HttpFailure>(&event.answer)) {
    flight.downloaded += failed->downloaded;
    if (shutting_down_) return End(flight, ImageReleased{});
    return Refuse(flight, Refused{failed->failure, std::nullopt});
  }
  flight.downloaded += std::get<HttpCancelled>(event.answer).downloaded;
  End(flight, ImageReleased{});
}

void Conductor::HandleResponse(Flight& flight, HttpResponse response) {
  Verdict verdict = Judge(response, flight.conditional, parts_.clock.Now());
  if (const auto* redirect = std::get_if<Redirect>(&verdict)) {
    return FollowRedirect(flight, *redirect);
  }
  if (const auto* refused = std::get_if<Refused>(&verdict)) {
    return Refuse(flight, *refused);
  }
  if (std::holds_alternative<NotModified>(verdict) &&
      Contradicts(response, *flight.claim.known)) {
    flight.claim.known.reset();  // Asks without a condition.
    return SendOrPark(flight);
  }
  flight.response = std::move(response);
  if (std::holds_alternative<NotModified>(verdict)) {
    return HandleNotModified(flight);
  }
  if (flight.plan->batch.settings.respect_noai &&
      ForbidsAi(flight.response.robots_tag)) {
    return Fail(flight,
                {FailureCode::kRobotsRefused, flight.response.status,
                 "its X-Robots-Tag forbids use by machines that learn"},
                flight.claim.attempts + 1);
  }
  flight.source_bytes = flight.response.body.size();
  body_bytes_ += flight.response.body.memory();
  flight.stage = Flight::Stage::kLooking;
  lookups_.push_back(flight.ticket);
}

void Conductor::HandleNotModified(Flight& flight) {
  const KnownSource& known = *flight.claim.known;
  flight.response.body = Body();
  flight.response.body_hash = known.source_hash;
  flight.source_bytes = known.source_bytes;
  if (flight.response.etag.empty()) flight.response.etag = known.etag;
  if (flight.response.last_modified.empty()) {
    flight.response.last_modified = known.last_modified;
  }
  if (known.content) return Keep(flight, std::nullopt, *known.content);
  // Another recipe than before: the source itself may have been kept.
  flight.stage = Flight::Stage::kKeeping;
  workshop_->Load({OriginalKey(known.source_hash),
                   [this, ticket = flight.ticket](Result<Body> original) {
                     events_.Push(Loaded{ticket, std::move(original)});
                   }});
}

void Conductor::Handle(Loaded event) {
  const auto at = flights_.find(event.ticket);
  if (at == flights_.end()) return;
  Flight& flight = *at->second;
  if (shutting_down_) return End(flight, ImageReleased{});
  if (!event.original || event.original->size() != flight.source_bytes) {
    return FetchAnew(flight);
  }
  flight.response.body = *std::move(event.original);
  body_bytes_ += flight.response.body.memory();
  flight.stage = Flight::Stage::kLooking;
  lookups_.push_back(flight.ticket);
}

// What was known is no longer there: without a condition this time.
void Conductor::FetchAnew(Flight& flight) {
  flight.claim.known.reset();
  flight.url = *ParseRecordedUrl(flight.claim.url);
  SendOrPark(flight);
}

void Conductor::FollowRedirect(Flight& flight, const Redirect& redirect) {
  if (++flight.hops > kMaxRedirects) {
    return Fail(flight,
                {FailureCode::kTooManyRedirects, 0,
                 "more than " + std::to_string(kMaxRedirects) + " redirects"},
                flight.claim.attempts + 1);
  }
  auto target = ResolveUrl(flight.url, redirect.location);
  if (!target) {
    Failure failure = target.error();
    failure.message = "redirected to an unusable URL: " + failure.message;
    return Fail(flight, std::move(failure), flight.claim.attempts + 1);
  }
  flight.url = *std::move(target);
  SendOrPark(flight);
}

void Conductor::Refuse(Flight& flight, const Refused& refused) {
  const double random = std::uniform_real_distribution<>(0.0, 1.0)(random_);
  const int attempts = flight.claim.attempts + 1;
  const auto plan = PlanRetry(refused, attempts, flight.claim.waited_ms,
                              flight.plan->batch.settings.retries, random);
  if (!plan) return Fail(flight, refused.failure, attempts);
  End(flight,
      ImageRetry{refused.failure, plan->attempts,
                 parts_.clock.Now() + plan->delay.count(), plan->waited_ms});
}

void Conductor::SendOrPark(Flight& flight) {
  if (hosts_.Free(flight.url.host) > 0) {
    hosts_.Take(flight.url.host);
    Send(flight);
  } else {
    flight.stage = Flight::Stage::kParked;
    parked_.push_back(flight.ticket);
  }
}

void Conductor::SendParked() {
  for (const Ticket ticket : std::exchange(parked_, {})) {
    const auto at = flights_.find(ticket);
    if (at != flights_.end()) SendOrPark(*at->second);
  }
}

void Conductor::Send(Flight& flight) {
  const Settings& settings = flight.plan->batch.settings;
  flight.conditional = flight.claim.known && !settings.refetch &&
                       (flight.claim.known->content || settings.keep_originals);
  flight.stage = Flight::Stage::kFetching;
  HttpRequest request =
      RequestFor(flight.url.text, settings,
                 flight.conditional ? &*flight.claim.known : nullptr);
  for (HttpHeader& header : flight.plan->batch.headers.For(flight.url.host)) {
    request.headers.push_back(std::move(header));
  }
  parts_.http.Send(std::move(request),
                   [this, ticket = flight.ticket](HttpAnswer answer) {
                     events_.Push(Answered{ticket, std::move(answer)});
                   });
}

void Conductor::Convert(Flight& flight) {
  flight.stage = Flight::Stage::kConverting;
  converting_[flight.content()] = flight.ticket;
  ConvertJob job;
  job.image = flight.claim.image;
  job.name = flight.url.name;
  job.source = flight.response.body.bytes();
  job.recipe = flight.plan->batch.recipe;
  job.alone = flight.claim.suspects > 0;
  job.done = [this, ticket = flight.ticket](
                 std::optional<Result<ConvertedImage, Failure>> image) {
    events_.Push(Converted{ticket, std::move(image)});
  };
  workshop_->Convert(std::move(job));
}

void Conductor::Handle(Converted event) {
  const auto at = flights_.find(event.ticket);
  if (at == flights_.end()) return;
  Flight& flight = *at->second;
  if (!flight.plan->batch.settings.keep_originals) DropBody(flight);
  if (!event.image) return End(flight, ImageReleased{});
  if (!*event.image) {
    const Failure failure = event.image->error();
    converting_.erase(flight.content());
    Share(flight, nullptr, &failure);
    return Fail(flight, failure, flight.claim.attempts + 1);
  }
  ConvertedImage image = *std::move(*event.image);
  flight.how = image.how;
  flight.reason = std::move(image.reason);
  Keep(flight, std::move(image), {});
}

void Conductor::Keep(Flight& flight, std::optional<ConvertedImage> image,
                     StoredContent content) {
  flight.stage = Flight::Stage::kKeeping;
  if (!image) flight.how = DoneHow::kReused;
  KeepJob job;
  job.image = std::move(image);
  job.content = std::move(content);
  const Settings& settings = flight.plan->batch.settings;
  if (settings.keep_originals) job.original = flight.response.body.bytes();
  const std::string& directory = settings.images_dir;
  if (!directory.empty()) {
    for (const CellName& name : flight.claim.names) {
      job.stems.push_back(
          directory + "/" +
          (name.stem.empty() ? DefaultStem(name.row, name.place) : name.stem));
    }
  }
  job.done = [this, ticket = flight.ticket](Result<StoredContent> kept) {
    events_.Push(Kept{ticket, std::move(kept)});
  };
  workshop_->Keep(std::move(job));
}

void Conductor::Handle(Kept event) {
  const auto at = flights_.find(event.ticket);
  if (at == flights_.end()) return;
  Flight& flight = *at->second;
  const auto converting = converting_.find(flight.content());
  const bool converted =
      converting != converting_.end() && converting->second == flight.ticket;
  if (!event.content) {
    if (event.content.error().code == ErrorCode::kNotFound && !converted) {
      // The result has gone from the pool: make it again.
      if (shutting_down_) return End(flight, ImageReleased{});
      if (flight.response.body.size() > 0) return Convert(flight);
      return FetchAnew(flight);
    }
    RunFailed(event.content.error());
    return End(flight, ImageReleased{});
  }
  if (converted) {
    converting_.erase(flight.content());
    Share(flight, &*event.content, nullptr);
  }
  DropBody(flight);
  ImageDone done;
  done.how = flight.how;
  done.content = *std::move(event.content);
  done.source_hash = flight.response.body_hash;
  done.source_bytes = flight.source_bytes;
  done.etag = std::move(flight.response.etag);
  done.last_modified = std::move(flight.response.last_modified);
  done.reason = std::move(flight.reason);
  End(flight, std::move(done));
}

void Conductor::Share(Flight& flight, const StoredContent* content,
                      const Failure* failure) {
  for (const Ticket ticket : std::exchange(flight.sharers, {})) {
    const auto at = flights_.find(ticket);
    if (at == flights_.end()) continue;
    Flight& sharer = *at->second;
    DropBody(sharer);
    if (shutting_down_) {
      End(sharer, ImageReleased{});
    } else if (content != nullptr) {
      Keep(sharer, std::nullopt, *content);
    } else {
      Fail(sharer, *failure, sharer.claim.attempts + 1);
    }
  }
}

bool Conductor::IsConverting(const Flight& flight) const {
  if (flight.plan == nullptr) return false;
  const auto at = converting_.find(flight.content());
  return at != converting_.end() && at->second == flight.ticket;
}

void Conductor::DropBody(Flight& flight) {
  body_bytes_ -= flight.response.body.memory();
  flight.response.body = Body();
}

void Conductor::Fail(Flight& flight, Failure failure, int attempts) {
  End(flight, ImageFailed{std::move(failure), attempts});
}

void Conductor::End(Flight& flight, decltype(Outcome::what) what) {
  DropBody(flight);
  if (IsConverting(flight)) converting_.erase(flight.content());
  Outcome outcome{flight.claim.image, std::move(what), flight.downloaded};
  if (!std::holds_alternative<ImageReleased>(outcome.what)) {
    finished_.push_back({flight.claim.n, flight.claim.url, outcome});
    if (!std::holds_alternative<ImageRetry>(outcome.what)) ++finished_count_;
  }
  outcomes_.push_back(std::move(outcome));
  flights_.erase(flight.ticket);
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
