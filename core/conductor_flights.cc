// What happens to one image between its claim and its outcome.
#include <algorithm>
#include <random>
#include <utility>

#include "core/conductor.h"
#include "core/file_client.h"
#include "core/flight.h"
#include "core/naming.h"
#include "core/url.h"

namespace imgbatch {
namespace {

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

}  // namespace imgbatch
