// Who holds claims, and whether it lives. Liveness is a kernel lock, not an
// age: a process that died is noticed at the next look, one that is merely
// stopped is never robbed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/job.h"
#include "core/result.h"
#include "store/database.h"
#include "store/decode_journal.h"
#include "store/locks.h"

namespace imgbatch {

// A living owner: its id is the token of its claims. Destroying the object
// lets the lock go; without Retire() that is a death.
class Owner {
 public:
  // Adds the owner in a transaction of its own. The lock is held before
  // anybody can see the row.
  static Result<Owner> Register(Database& database, WallTime now);

  int64_t id() const { return id_; }
  DecodeJournal& journal() { return *journal_; }

  // Removes the owner in the transaction that is open; its claims must have
  // been given back in it.
  void Retire(Database& database);

 private:
  Owner(int64_t id, FileLock lock, std::unique_ptr<MappedDecodeJournal> journal)
      : id_(id), lock_(std::move(lock)), journal_(std::move(journal)) {}

  int64_t id_;
  FileLock lock_;
  std::unique_ptr<MappedDecodeJournal> journal_;
};

struct DeadOwner {
  int64_t id = 0;
  std::vector<ImageKey> decoding;  // What it was decoding when it died.
};

// Owners whose lock is free. Reads only: one query and a look at each lock.
std::vector<DeadOwner> FindDeadOwners(Database& database);

// Removes the files of an owner whose row is gone, durably committed.
void RemoveOwnerFiles(const StorePaths& paths, int64_t owner);

}  // namespace imgbatch
