// The JobStore in SQLite. See database.h for what makes it safe and
// schema.cc for the tables.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/decode_journal.h"
#include "core/job_store.h"
#include "store/claiming.h"
#include "store/database.h"
#include "store/owners.h"
#include "store/recording.h"

namespace imgbatch {

class SqliteJobStore final : public JobStore {
 public:
  // Opens the store and, where necessary, makes it (folders included) or
  // brings it to the newest schema. Returns claims of dead processes. Fails
  // with kStore, kNewerSchema, kBusy, kNoSpace or kIo.
  static Result<std::unique_ptr<SqliteJobStore>> Open(
      const StorePaths& paths, WallTime now, DatabaseLimits limits = {},
      NetworkFilesystem network = NetworkFilesystem::kRefuse);
  // Gives back what is still claimed.
  ~SqliteJobStore() override;

  // Where this object's workers note what they decode. Any thread; valid as
  // long as this object.
  DecodeJournal& journal() { return owner_.journal(); }
  // The token of this object's claims.
  int64_t owner() const { return owner_.id(); }

  Result<BatchKey> CreateBatch(const NewBatch& batch, WallTime now) override;
  Result<void> Record(BatchKey batch, std::span<const RowRecord> rows,
                      WallTime now) override;
  Result<std::optional<EndedBatch>> Seal(BatchKey batch, int64_t rows,
                                         WallTime now) override;
  Result<Exchanged> Exchange(const ExchangeRequest& request) override;
  Result<int64_t> Retry(BatchKey batch, std::optional<FailureCode> only,
                        WallTime now) override;
  Result<void> NoteReported(BatchKey batch, int round) override;
  Result<void> Cancel(BatchKey batch, WallTime now) override;

 private:
  SqliteJobStore(std::unique_ptr<Database> database, Owner owner)
      : database_(std::move(database)), owner_(std::move(owner)) {}
  Result<void> ReclaimFromDead(WallTime now, std::vector<EndedBatch>& ended);
  Result<void> FailHosts(const ExchangeRequest& request,
                         std::vector<EndedBatch>& ended);

  std::unique_ptr<Database> database_;
  Owner owner_;
  Claimer claimer_;
  std::optional<Recorder> recorder_;  // Of the batch recorded last.
  std::chrono::steady_clock::time_point looked_for_dead_{};
};

}  // namespace imgbatch
