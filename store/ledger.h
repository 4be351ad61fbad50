// Changes to the counters of batches, collected while a transaction moves
// images and written once at its end: counters and images move together, and
// a batch ends in the very transaction that settles its last image.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/job.h"
#include "core/job_store.h"
#include "store/database.h"

namespace imgbatch {

class Ledger {
 public:
  // What to add to the batch's tally; valid until Write().
  Tally& Of(BatchKey batch) { return changes_[batch]; }

  // Adds it all up in the open transaction. Appends the batches that ended by
  // that; writes their outbox rows.
  void Write(Database& database, WallTime now, std::vector<EndedBatch>& ended);

 private:
  std::map<BatchKey, Tally> changes_;
};

// Ends the batch when it is sealed and nothing is pending.
std::optional<EndedBatch> EndWhenSettled(Database& database, BatchKey batch,
                                         WallTime now);

}  // namespace imgbatch
