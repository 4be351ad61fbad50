#include "store/sqlite_job_store.h"

#include <chrono>
#include <utility>

#include "store/image_keys.h"
#include "store/ledger.h"
#include "store/outcomes.h"
#include "store/schema.h"
#include "store/sweep.h"

namespace imgbatch {
namespace {

constexpr std::chrono::milliseconds kDeadOwnerInterval{500};
// Images that fail with their host per transaction: keeps the log bounded.
constexpr int64_t kHostFailuresAtOnce = 20'000;

Error NoSuchBatch() { return {ErrorCode::kNotFound, "no such batch"}; }

// What a batch is, for the decision whether it may be changed.
struct BatchRow {
  BatchState state{};
  bool sealed = false;
  int64_t rows = 0;
  int64_t total = 0;
};

std::optional<BatchRow> ReadRow(Database& database, BatchKey batch) {
  Query query(database,
              "SELECT state, sealed, rows, total FROM batch WHERE id = ?",
              batch);
  if (!query.Next()) return std::nullopt;
  return BatchRow{query.As<BatchState>(0), query.Int(1) != 0, query.Int(2),
                  query.Int(3)};
}

// The database's own error, if there is one, before the given one.
Error FirstError(Database& database, Error otherwise) {
  const Result<void> result = database.TakeResult();
  return result ? otherwise : result.error();
}

}  // namespace

Result<std::unique_ptr<SqliteJobStore>> SqliteJobStore::Open(
    const StorePaths& paths, WallTime now, DatabaseLimits limits,
    NetworkFilesystem network) {
  Result<void> prepared = PrepareFolders(paths, network);
  if (!prepared) return prepared.error();
  Result<std::unique_ptr<Database>> database =
      Database::Open(paths, Database::Use::kWrite, std::move(limits));
  if (!database) return database.error();
  prepared = PrepareSchema(**database, Database::Use::kWrite);
  if (!prepared) return prepared.error();
  Result<Owner> owner = Owner::Register(**database, now);
  if (!owner) return owner.error();
  std::unique_ptr<SqliteJobStore> store(
      new SqliteJobStore(*std::move(database), *std::move(owner)));
  std::vector<EndedBatch> ended;
  prepared = store->ReclaimFromDead(now, ended);
  if (!prepared) return prepared.error();
  SweepFiles(*store->database_, store->owner());
  return store;
}

SqliteJobStore::~SqliteJobStore() {
  if (database_ == nullptr) return;
  (void)database_->TakeResult();
  Transaction transaction(*database_);
  Ledger ledger;
  std::vector<EndedBatch> ended;
  const int64_t updated =
      database_->Value("SELECT coalesce(max(updated_at), 0) FROM batch");
  ReturnClaims(*database_, ledger, owner_.id(), {});
  ledger.Write(*database_, updated, ended);
  owner_.Retire(*database_);
  // Should this fail, the next to open the store finds a dead owner.
  if (transaction.Commit()) RemoveOwnerFiles(database_->paths(), owner_.id());
}

Result<BatchKey> SqliteJobStore::CreateBatch(const NewBatch& batch,
                                             WallTime now) {
  Transaction transaction(*database_);
  if (database_->Value("SELECT count(*) FROM batch WHERE uuid = ?",
                       batch.uuid) > 0) {
    return Error{ErrorCode::kUsage, "batch " + batch.uuid + " exists already"};
  }
  database_->Run(
      "INSERT INTO batch (uuid, source, identity, settings, recipe,"
      " recipe_fingerprint, kept_input, webhook_url, handed_to_serve,"
      " owner_key, created_at, updated_at)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
      batch.uuid, batch.source, batch.identity, batch.settings, batch.recipe,
      batch.recipe_fingerprint, batch.kept_input, batch.webhook_url,
      batch.handed_to_serve, batch.owner_key, now);
  const auto key = static_cast<BatchKey>(database_->last_insert_id());
  const Result<void> committed = transaction.Commit();
  if (!committed) return committed.error();
  return key;
}

Result<void> SqliteJobStore::Record(BatchKey batch,
                                    std::span<const RowRecord> rows,
                                    WallTime now) {
  Transaction transaction(*database_);
  const std::optional<BatchRow> row = ReadRow(*database_, batch);
  if (!row) return FirstError(*database_, NoSuchBatch());
  if (row->state == BatchState::kCancelled) {
    return Error{ErrorCode::kCancelled, "the batch was cancelled"};
  }
  if (row->sealed) {
    return Error{ErrorCode::kUsage, "the batch is recorded completely"};
  }
  if (!recorder_ || recorder_->batch() != batch ||
      !recorder_->KnowsAll(row->total)) {
    recorder_.emplace(*database_, batch);
    recorder_->Load();
  }
  recorder_->Add(rows, row->rows, now);
  const Result<void> committed = transaction.Commit();
  if (!committed) recorder_.reset();
  return committed;
}

Result<std::optional<EndedBatch>> SqliteJobStore::Seal(BatchKey batch,
                                                       int64_t rows,
                                                       WallTime now) {
  recorder_.reset();
  Transaction transaction(*database_);
  const std::optional<BatchRow> row = ReadRow(*database_, batch);
  if (!row) return FirstError(*database_, NoSuchBatch());
  if (row->state == BatchState::kCancelled) {
    return Error{ErrorCode::kCancelled, "the batch was cancelled"};
  }
  std::optional<EndedBatch> ended;
  if (!row->sealed) {
    database_->Run(
        "UPDATE batch SET sealed = 1, rows = ?, updated_at = ? WHERE id = ?",
        rows, now, batch);
    ended = EndWhenSettled(*database_, batch, now);
  }
  const Result<void> committed = transaction.Commit();
  if (!committed) return committed.error();
  return ended;
}

Result<Exchanged> SqliteJobStore::Exchange(const ExchangeRequest& request) {
  Exchanged exchanged;
  Result<void> done = ReclaimFromDead(request.now, exchanged.ended);
  if (!done) return done.error();
  done = FailHosts(request, exchanged.ended);
  if (!done) return done.error();

  Transaction transaction(*database_);
  Ledger ledger;
  for (const Outcome& outcome : request.outcomes) {
    ApplyOutcome(*database_, ledger, owner_.id(), outcome, request.now);
  }
  for (const ContentLookup& lookup : request.lookups) {
    std::string fingerprint;
    {
      Query query(*database_,
                  "SELECT recipe_fingerprint FROM batch WHERE id = ?",
                  lookup.batch);
      if (query.Next()) fingerprint = query.Text(0);
    }
    exchanged.known.push_back(
        FindContent(*database_, lookup.source_hash, fingerprint));
  }
  // Counters first: claiming reads whether a batch has waiting images.
  ledger.Write(*database_, request.now, exchanged.ended);
  if (request.wanted > 0) {
    exchanged.claims = claimer_.Take(*database_, ledger, request, owner_.id());
    ledger.Write(*database_, request.now, exchanged.ended);
  }
  exchanged.next_due = Claimer::NextDue(*database_, request.scope, request.now);
  done = transaction.Commit();
  if (!done) return done.error();
  return exchanged;
}

Result<int64_t> SqliteJobStore::Retry(BatchKey batch,
                                      std::optional<FailureCode> only,
                                      WallTime now) {
  Transaction transaction(*database_);
  const std::optional<BatchRow> row = ReadRow(*database_, batch);
  if (!row) return FirstError(*database_, NoSuchBatch());
  if (!HasEnded(row->state)) {
    return Error{ErrorCode::kUsage, "the batch has not ended yet"};
  }
  if (row->state == BatchState::kCancelled) {
    return Error{ErrorCode::kUsage, "the batch was cancelled for good"};
  }
  // An image without a host has no URL that could be fetched, ever.
  const int64_t count = database_->Run(
      "UPDATE image SET state = 0, due = 0, attempts = 0, waited_ms = 0,"
      " suspects = 0, failure = NULL, http_status = NULL, message = NULL"
      " WHERE batch = ?1 AND state = 2 AND host IS NOT NULL"
      " AND (?2 IS NULL OR failure = ?2)",
      batch, only);
  if (count > 0) {
    database_->Run(
        "UPDATE batch SET state = 1, round = round + 1, finished_at = 0,"
        " failed = failed - ?, updated_at = ? WHERE id = ?",
        count, now, batch);
  }
  const Result<void> committed = transaction.Commit();
  if (!committed) return committed.error();
  return count;
}

Result<void> SqliteJobStore::NoteReported(BatchKey batch, int round) {
  Transaction transaction(*database_);
  // Another round may have begun meanwhile; its output is still owed.
  database_->Run(
      "UPDATE batch SET reported_round = max(reported_round, min(?, round))"
      " WHERE id = ?",
      round, batch);
  return transaction.Commit();
}

Result<void> SqliteJobStore::Cancel(BatchKey batch, WallTime now) {
  Transaction transaction(*database_);
  const std::optional<BatchRow> row = ReadRow(*database_, batch);
  if (!row) return FirstError(*database_, NoSuchBatch());
  if (HasEnded(row->state)) {
    return Error{ErrorCode::kUsage, "the batch has ended already"};
  }
  const int64_t waiting = database_->Value(
      "SELECT count(*) FROM image INDEXED BY image_claimed"
      " WHERE claim IS NOT NULL AND batch = ? AND due > 0",
      batch);
  // Whoever works on them finds its claims gone.
  database_->Run(
      "UPDATE image INDEXED BY image_claimed SET claim = NULL"
      " WHERE claim IS NOT NULL AND batch = ?",
      batch);
  database_->Run(
      "UPDATE batch SET state = 4, running = 0, waiting = waiting + ?,"
      " finished_at = ?, updated_at = ? WHERE id = ?",
      waiting, now, now, batch);
  return transaction.Commit();
}

Result<void> SqliteJobStore::ReclaimFromDead(WallTime now,
                                             std::vector<EndedBatch>& ended) {
  const auto moment = std::chrono::steady_clock::now();
  if (moment - looked_for_dead_ < kDeadOwnerInterval) return {};
  looked_for_dead_ = moment;
  const std::vector<DeadOwner> dead = FindDeadOwners(*database_);
  for (const DeadOwner& owner : dead) {
    Transaction transaction(*database_);
    Ledger ledger;
    ReturnClaims(*database_, ledger, owner.id, owner.decoding);
    ledger.Write(*database_, now, ended);
    database_->Run("DELETE FROM owner WHERE id = ?", owner.id);
    const Result<void> committed = transaction.Commit();
    if (!committed) return committed;
    RemoveOwnerFiles(database_->paths(), owner.id);
  }
  return database_->TakeResult();
}

Result<void> SqliteJobStore::FailHosts(const ExchangeRequest& request,
                                       std::vector<EndedBatch>& ended) {
  for (const HostFailure& failure : request.failed_hosts) {
    for (int64_t count = kHostFailuresAtOnce; count == kHostFailuresAtOnce;) {
      Transaction transaction(*database_);
      Ledger ledger;
      count = FailHost(*database_, ledger, failure, kHostFailuresAtOnce);
      ledger.Write(*database_, request.now, ended);
      const Result<void> committed = transaction.Commit();
      if (!committed) return committed;
    }
  }
  return {};
}

}  // namespace imgbatch
