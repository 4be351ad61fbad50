// The conductor: one thread that owns the store's writing connection and takes
// all decisions, in turns. Man page 7 tells the whole flow.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/codec.h"
#include "core/decode_journal.h"
#include "core/fetch.h"
#include "core/header_rules.h"
#include "core/hosts.h"
#include "core/http_client.h"
#include "core/image_pool.h"
#include "core/job_reader.h"
#include "core/job_store.h"
#include "core/observer.h"
#include "core/queue.h"
#include "core/recipe.h"
#include "core/row_feed.h"
#include "core/settings.h"
#include "core/workshop.h"

namespace imgbatch {

struct ConductorLimits {
  int concurrency = 64;  // Requests in flight.
  int workers = 2;       // Decoding threads.
  int writers = 4;       // Threads that wait for the disk; one sync each.
  // Bytes that all decoders together may use at a time.
  uint64_t decode_memory = uint64_t{384} << 20;
  // No claims while more bytes of bodies than this wait for a worker.
  uint64_t body_memory = uint64_t{48} << 20;
  HostLimits hosts;
  Milliseconds grace{2'000};          // For conversions under way at a stop.
  std::optional<int64_t> max_images;  // Finish so many, then stop.
  std::optional<Milliseconds> max_duration;  // Stop after that time.
};

// What the conductor must know of a batch to work on it.
struct BatchPlan {
  Settings settings;
  Recipe recipe;
  HeaderRules headers;
};
using PlanSource = std::function<Result<BatchPlan>(BatchKey)>;

// Why a drain came back without an error.
enum class DrainEnd : uint8_t {
  kEnded,    // The batch has ended, or was cancelled by somebody.
  kStopped,  // Stop() was called.
  kLimit,    // max_images or max_duration was reached.
};

// Rows that are recorded while the batch is drained.
struct Recording {
  BatchKey batch{};
  RowFeed* feed = nullptr;  // Borrowed.
};

class Conductor {
 public:
  struct Parts {  // Borrowed; must outlive the conductor.
    JobStore& store;
    JobReader& reader;
    ImagePool& pool;
    HttpClient& http;
    const Codec& codec;
    DecodeJournal& journal;
    const Clock& clock;
    Observer& observer;
  };

  Conductor(const Parts& parts, const ConductorLimits& limits);
  // Waits for conversions under way, those given up at a stop included.
  ~Conductor();

  // Works until the scope's batch has ended (a scope without a batch: until
  // Stop), recording rows meanwhile. Calling thread only. An Error means that
  // the run failed (disk, store); claims are given back in every case.
  Result<DrainEnd> Drain(const Scope& scope, const PlanSource& plans,
                         std::optional<Recording> recording);

  // Any thread: no new claims, give everything back, come back soon.
  void Stop();

  // After Drain: conversions did not end within the grace time and still run.
  bool HasAbandoned() const { return !abandoned_.empty(); }

 private:
  struct Flight;
  using Ticket = uint64_t;
  using ContentId = std::pair<std::string, Sha256>;  // Recipe, source.

  struct Answered {
    Ticket ticket = 0;
    HttpAnswer answer;
  };
  struct Converted {
    Ticket ticket = 0;
    std::optional<Result<ConvertedImage, Failure>> image;
  };
  struct Kept {
    Ticket ticket = 0;
    Result<StoredContent> content;
  };
  struct Loaded {
    Ticket ticket = 0;
    Result<Body> original;
  };
  struct StopRequest {};
  using Event =
      std::variant<Answered, Converted, Kept, Loaded, RowGroup, StopRequest>;

  struct Plan {
    BatchPlan batch;
    std::string fingerprint;
  };

  void Handle(Answered event);
  void Handle(Converted event);
  void Handle(Kept event);
  void Handle(Loaded event);
  void Handle(RowGroup group) { rows_.push_back(std::move(group)); }
  void Handle(StopRequest) { stopping_ = true; }

  void HandleResponse(Flight& flight, HttpResponse response);
  void FollowRedirect(Flight& flight, const Redirect& redirect);
  void Refuse(Flight& flight, const Refused& refused);
  void HandleNotModified(Flight& flight);
  void FetchAnew(Flight& flight);
  void SendOrPark(Flight& flight);
  void SendParked();
  void Send(Flight& flight);
  void Convert(Flight& flight);
  void Keep(Flight& flight, std::optional<ConvertedImage> image,
            StoredContent content);
  // Whether others with the same content wait for this flight.
  bool IsConverting(const Flight& flight) const;
  void DropBody(Flight& flight);
  void Fail(Flight& flight, Failure failure, int attempts);
  // Hands in the outcome; the flight is gone afterwards.
  void End(Flight& flight, decltype(Outcome::what) what);
  // What became of a content, for those who wait for the same one.
  void Share(Flight& flight, const StoredContent* content,
             const Failure* failure);

  void RecordRows();
  void Exchange();
  void Settle(Exchanged exchanged);
  void Admit(Claim claim);
  void CheckDuration();
  void BeginShutdown();
  void AbandonFlights();
  void LookWhetherEnded();
  int Wanted() const;
  Milliseconds WaitTime() const;
  bool Over();
  Result<Plan*> PlanOf(BatchKey batch);
  void RunFailed(Error error);

  const Parts parts_;
  const ConductorLimits limits_;
  Hosts hosts_;
  Queue<Event> events_;
  std::mt19937_64 random_;

  // The drain under way. Only its own thread touches what follows.
  Scope scope_;
  PlanSource plan_source_;
  std::optional<Recording> recording_;
  std::map<BatchKey, Plan> plans_;
  std::vector<RowGroup> rows_;
  std::map<Ticket, std::unique_ptr<Flight>> flights_;
  std::vector<Ticket> parked_;   // Redirected; wait for a place of a host.
  std::vector<Ticket> lookups_;  // Fetched; is the content known?
  std::map<ContentId, Ticket> converting_;
  std::vector<Outcome> outcomes_;
  std::vector<std::string> given_up_;  // Hosts whose images fail next turn.
  std::vector<ImageEvent> finished_;
  Ticket next_ticket_ = 1;
  uint64_t body_bytes_ = 0;
  int64_t finished_count_ = 0;
  bool stopping_ = false;
  bool limit_reached_ = false;
  bool shutting_down_ = false;
  bool ended_ = false;
  bool dry_ = false;  // The last exchange found less than was wanted.
  std::optional<WallTime> next_due_;
  std::optional<Error> error_;
  Milliseconds started_at_{0};
  Milliseconds looked_at_{0};
  Milliseconds deadline_{0};
  std::vector<std::unique_ptr<Flight>> abandoned_;

  std::unique_ptr<Workshop> workshop_;  // Last: its threads use the above.
};

}  // namespace imgbatch
