// The store port, writing side. What is not in the store did not happen.
// One object belongs to one thread (the conductor's); open another for
// another thread. Every call is one transaction and durable when it returns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/job.h"
#include "core/result.h"

namespace imgbatch {

// How many more images of each host may be claimed now: the politeness of the
// conductor, asked by the store while it claims.
class HostPlaces {
 public:
  virtual ~HostPlaces() = default;
  // Free places of a host at this moment; 0: none of its images.
  virtual int Free(std::string_view host) = 0;
  // One place of the host is taken by a claim.
  virtual void Take(std::string_view host) = 0;
};

// Whose images may be claimed: one batch, or (nullopt) every batch that was
// handed to serve, in turn.
struct Scope {
  std::optional<BatchKey> batch;
};

// A fetched content that may be known already.
struct ContentLookup {
  BatchKey batch{};  // Its recipe counts.
  Sha256 source_hash{};
};

// All pending, unclaimed images of a host fail together.
struct HostFailure {
  BatchKey batch{};
  std::string host;
  Failure failure;
};

struct ExchangeRequest {
  Scope scope;
  std::span<const Outcome> outcomes;
  std::span<const ContentLookup> lookups;
  std::span<const HostFailure> failed_hosts;
  int wanted = 0;               // Images to claim at the most.
  HostPlaces* hosts = nullptr;  // Null: no limit per host.
  WallTime now = 0;
};

struct EndedBatch {
  BatchKey batch{};
  BatchState state = BatchState::kCompleted;
};

struct Exchanged {
  std::vector<Claim> claims;  // Fair between hosts; waiting ones that are due
                              // before fresh ones, those in input order.
  // One per lookup, in order.
  std::vector<std::optional<StoredContent>> known;
  // When the next waiting image of the scope is due; nullopt: none waits.
  std::optional<WallTime> next_due;
  // Batches that ended in this very call.
  std::vector<EndedBatch> ended;
};

class JobStore {
 public:
  virtual ~JobStore() = default;

  // Adds a batch that is not sealed yet. kUsage when the UUID exists.
  virtual Result<BatchKey> CreateBatch(const NewBatch& batch, WallTime now) = 0;

  // Adds rows in file order. Rows at or before the batch's recorded row are
  // ignored, so that recording can be repeated after a crash. The same URL
  // anywhere in the batch is one image. Equal stems get "-2", "-3" in row
  // order.
  virtual Result<void> Record(BatchKey batch, std::span<const RowRecord> rows,
                              WallTime now) = 0;

  // All rows are recorded: `rows` of them. From here on the batch can end, and
  // does at once when nothing is pending: then it is returned.
  virtual Result<std::optional<EndedBatch>> Seal(BatchKey batch, int64_t rows,
                                                 WallTime now) = 0;

  // The heart: outcomes become durable, counters and batch states move with
  // them (and a webhook's outbox row is written when a batch ends), contents
  // are looked up, images are claimed. Outcomes of images that are not claimed
  // by this object change nothing. Claims of dead owners return to pending
  // first (looked for twice a second).
  virtual Result<Exchanged> Exchange(const ExchangeRequest& request) = 0;

  // Gives failed images of an ended batch another round, all or of one code;
  // returns how many. With 0 the batch is left as it is.
  virtual Result<int64_t> Retry(BatchKey batch, std::optional<FailureCode> only,
                                WallTime now) = 0;

  // The output of this round of a batch that ended has been written: from now
  // on there is nothing to resume.
  virtual Result<void> NoteReported(BatchKey batch, int round) = 0;

  // Stops a batch for good. kUsage when it has ended already.
  virtual Result<void> Cancel(BatchKey batch, WallTime now) = 0;
};

}  // namespace imgbatch
