// The store ports in memory: the second implementation that the contract
// suite holds against the first, what tests of the conductor run on, and what
// the SQLite store's cost is measured against.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/job_reader.h"
#include "core/job_store.h"

namespace imgbatch {

// What is stored; any number of stores and readers may look at it, from any
// threads. Outlives them.
struct MemoryDatabase {
  struct Image {
    std::string url;
    std::string host;
    ImageState state = ImageState::kPending;
    int64_t claim = 0;  // Token of the owner; 0: nobody.
    WallTime due = 0;
    int attempts = 0;
    int suspects = 0;
    int64_t waited_ms = 0;
    std::vector<CellName> names;
    DoneHow how{};
    StoredContent content;
    Failure failure;
  };
  // Claimable images of one host.
  struct Host {
    std::set<int64_t> fresh;                         // By n.
    std::set<std::pair<WallTime, int64_t>> waiting;  // By due, n.
    bool empty() const { return fresh.empty() && waiting.empty(); }
  };
  struct Batch {
    NewBatch made;
    BatchView view;
    std::string last_host;                             // Served last.
    std::vector<Image> images;                         // Number n is at n - 1.
    std::unordered_map<std::string, int64_t> numbers;  // By URL.
    std::map<std::string, Host> hosts;  // Those with claimable images.
    std::unordered_map<std::string, int64_t> stems;  // -> next suffix.
    std::map<std::pair<int64_t, int32_t>, std::pair<int64_t, std::string>>
        cells;  // (row, place) -> (n, stem).
    std::vector<BadRowView> bad_rows;
  };
  struct Source {
    std::string etag;
    std::string last_modified;
    Sha256 source_hash{};
    uint64_t source_bytes = 0;
  };

  std::mutex mutex;                                 // Guards everything below.
  std::vector<std::unique_ptr<Batch>> batches;      // Key k is at k - 1.
  std::unordered_map<std::string, Source> sources;  // By URL.
  std::map<std::pair<Sha256, std::string>, StoredContent> contents;
  std::set<int64_t> owners;  // Tokens of living stores.
  int64_t last_owner = 0;
  int64_t last_batch = 0;  // Served last in the scope of serve.
  // Outbox rows: (batch, round).
  std::set<std::pair<int64_t, int>> outbox;
};

class MemoryJobStore final : public JobStore {
 public:
  explicit MemoryJobStore(MemoryDatabase& database);
  ~MemoryJobStore() override;

  int64_t owner() const { return owner_; }

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
  using Batch = MemoryDatabase::Batch;
  using Image = MemoryDatabase::Image;
  Batch* Find(BatchKey batch);
  void AddCell(Batch& batch, int64_t row, const CellRecord& cell);
  void Apply(const Outcome& outcome, WallTime now);
  bool TakeOne(Batch& batch, const ExchangeRequest& request,
               std::vector<Claim>& claims);
  Claim ClaimFor(const Batch& batch, int64_t n) const;

  MemoryDatabase& database_;
  int64_t owner_ = 0;
};

class MemoryJobReader final : public JobReader {
 public:
  explicit MemoryJobReader(MemoryDatabase& database) : database_(database) {}

  Result<BatchView> FindBatch(std::string_view name) override;
  Result<std::optional<BatchView>> FindByIdentity(std::string_view identity,
                                                  bool unfinished) override;
  Result<std::vector<BatchView>> ListBatches(
      int limit, std::optional<BatchKey> before) override;
  Result<BatchView> ReadBatch(BatchKey batch) override;
  Result<std::vector<FailureCount>> CountFailures(BatchKey batch) override;
  Result<std::vector<CellView>> ReadCells(BatchKey batch, CellCursor after,
                                          int limit, bool only_failed) override;
  Result<std::vector<BadRowView>> ReadBadRows(BatchKey batch, int64_t after_row,
                                              int limit) override;

 private:
  MemoryDatabase& database_;
};

}  // namespace imgbatch
