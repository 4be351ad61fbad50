#include "store/ledger.h"

namespace imgbatch {

void Ledger::Write(Database& database, WallTime now,
                   std::vector<EndedBatch>& ended) {
  for (const auto& [batch, add] : changes_) {
    database.Run(
        "UPDATE batch SET total = total + ?, done = done + ?,"
        " failed = failed + ?, running = running + ?, waiting = waiting + ?,"
        " recompressed = recompressed + ?, kept_original = kept_original + ?,"
        " reused = reused + ?, bytes_downloaded = bytes_downloaded + ?,"
        " bytes_source = bytes_source + ?, bytes_stored = bytes_stored + ?,"
        " state = iif(state = 0 AND ? > 0, 1, state), updated_at = ?"
        " WHERE id = ?",
        add.total, add.done, add.failed, add.running, add.waiting,
        add.recompressed, add.kept_original, add.reused, add.bytes_downloaded,
        add.bytes_source, add.bytes_stored, add.running, now, batch);
    if (add.done == 0 && add.failed == 0) continue;
    if (auto end = EndWhenSettled(database, batch, now)) ended.push_back(*end);
  }
  changes_.clear();
}

std::optional<EndedBatch> EndWhenSettled(Database& database, BatchKey batch,
                                         WallTime now) {
  bool has_failures = false;
  bool has_webhook = false;
  int64_t round = 0;
  {
    Query query(database,
                "SELECT failed > 0, webhook_url <> '', round FROM batch"
                " WHERE id = ? AND state < 2 AND sealed = 1"
                " AND done + failed = total",
                batch);
    if (!query.Next()) return std::nullopt;
    has_failures = query.Int(0) != 0;
    has_webhook = query.Int(1) != 0;
    round = query.Int(2);
  }
  const BatchState state =
      has_failures ? BatchState::kCompletedWithErrors : BatchState::kCompleted;
  database.Run(
      "UPDATE batch SET state = ?, finished_at = ?, updated_at = ?"
      " WHERE id = ?",
      state, now, now, batch);
  if (has_webhook) {
    database.Run(
        "INSERT INTO outbox (batch, round, due, created_at)"
        " VALUES (?, ?, ?, ?)",
        batch, round, now, now);
  }
  return EndedBatch{batch, state};
}

}  // namespace imgbatch
