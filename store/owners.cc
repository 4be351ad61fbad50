#include "store/owners.h"

#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace imgbatch {
namespace {

// Differs after every start of the machine.
std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id.empty() ? "unknown" : id;
}

// Field 22 of /proc/self/stat, so that a pid that was given anew is not taken
// for its predecessor by people who look. 0 when unknown.
int64_t StartTicks() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  size_t at = text.rfind(')');  // The name before it may hold anything.
  if (at == std::string::npos) return 0;
  for (int field = 2; field < 22 && at != std::string::npos; ++field) {
    at = text.find(' ', at + 1);
  }
  return at == std::string::npos ? 0 : std::atoll(text.c_str() + at);
}

}  // namespace

Result<Owner> Owner::Register(Database& database, WallTime now) {
  Transaction transaction(database);
  database.Run(
      "INSERT INTO owner (boot_id, pid, started, since) VALUES (?, ?, ?, ?)",
      BootId(), getpid(), StartTicks(), now);
  if (database.failed()) return transaction.Commit().error();
  const int64_t id = database.last_insert_id();
  const StorePaths& paths = database.paths();
  Result<FileLock> lock =
      FileLock::Try(paths.OwnerLock(id), LockMode::kExclusive);
  if (!lock) return lock.error();
  Result<std::unique_ptr<MappedDecodeJournal>> journal =
      MappedDecodeJournal::Create(paths.OwnerJournal(id));
  if (!journal) return journal.error();
  const Result<void> committed = transaction.Commit();
  if (!committed) return committed.error();
  return Owner(id, *std::move(lock), *std::move(journal));
}

void Owner::Retire(Database& database) {
  database.Run("DELETE FROM owner WHERE id = ?", id_);
}

std::vector<DeadOwner> FindDeadOwners(Database& database) {
  std::vector<DeadOwner> dead;
  const std::string boot_id = BootId();
  for (Query query(database, "SELECT id, boot_id FROM owner"); query.Next();) {
    const int64_t id = query.Int(0);
    if (FileLock::IsHeld(database.paths().OwnerLock(id))) continue;
    DeadOwner owner{id, {}};
    // After a restart of the machine the journal may be older than its end.
    if (query.Text(1) == boot_id) {
      owner.decoding =
          MappedDecodeJournal::Read(database.paths().OwnerJournal(id));
    }
    dead.push_back(std::move(owner));
  }
  return dead;
}

void RemoveOwnerFiles(const StorePaths& paths, int64_t owner) {
  // Leftovers are harmless: ids are never used again.
  unlink(paths.OwnerLock(owner).c_str());
  unlink(paths.OwnerJournal(owner).c_str());
}

}  // namespace imgbatch
