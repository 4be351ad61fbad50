#include "store/outcomes.h"

#include <algorithm>

#include "store/image_keys.h"

namespace imgbatch {
namespace {

// A claimed image as it was before its outcome.
struct Claimed {
  ImageKey image{};
  std::string url;
  std::string fingerprint;
};

void NoteAttempt(Database& database, ImageKey image, const Failure& failure,
                 WallTime now) {
  database.Run(
      "INSERT INTO attempt (image, nth, round, at, failure, http_status,"
      " message) VALUES (?1,"
      " (SELECT coalesce(max(nth), 0) + 1 FROM attempt WHERE image = ?1),"
      " (SELECT round FROM batch WHERE id = ?2), ?3, ?4, ?5, ?6)",
      image, BatchOf(image), now, failure.code, failure.http_status,
      failure.message);
}

// The row of the content, made or corrected as necessary.
int64_t ContentRow(Database& database, const ImageDone& done,
                   const std::string& fingerprint) {
  const StoredContent& content = done.content;
  {
    Query query(database,
                "SELECT id, pool_key, bytes FROM content"
                " WHERE source_hash = ? AND recipe_fingerprint = ?",
                std::span<const uint8_t>(done.source_hash), fingerprint);
    if (query.Next() && query.Text(1) == content.key &&
        query.Int(2) == static_cast<int64_t>(content.bytes)) {
      return query.Int(0);
    }
  }
  Query query(database,
              "INSERT INTO content (source_hash, recipe_fingerprint, pool_key,"
              " format, bytes, width, height) VALUES (?, ?, ?, ?, ?, ?, ?)"
              " ON CONFLICT (source_hash, recipe_fingerprint) DO UPDATE SET"
              " pool_key = excluded.pool_key, format = excluded.format,"
              " bytes = excluded.bytes, width = excluded.width,"
              " height = excluded.height RETURNING id",
              std::span<const uint8_t>(done.source_hash), fingerprint,
              content.key, content.format, content.bytes, content.width,
              content.height);
  const int64_t id = query.Next() ? query.Int(0) : 0;
  while (query.Next()) {
  }
  return id;
}

void NoteSource(Database& database, const std::string& url,
                const ImageDone& done, WallTime now) {
  const std::string url_hash = UrlHash(url);
  const std::span key(reinterpret_cast<const uint8_t*>(url_hash.data()),
                      url_hash.size());
  if (done.etag.empty() && done.last_modified.empty()) {
    // Nothing to ask the origin with; what was known is no longer true.
    database.Run("DELETE FROM source WHERE url_hash = ?", key);
    return;
  }
  database.Run(
      "INSERT INTO source (url_hash, source_hash, source_bytes, etag,"
      " last_modified, seen_at) VALUES (?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (url_hash) DO UPDATE SET source_hash ="
      " excluded.source_hash, source_bytes = excluded.source_bytes,"
      " etag = excluded.etag, last_modified = excluded.last_modified,"
      " seen_at = excluded.seen_at",
      key, std::span<const uint8_t>(done.source_hash), done.source_bytes,
      done.etag, done.last_modified, now);
}

void ApplyDone(Database& database, Tally& tally, const Claimed& claimed,
               const ImageDone& done, WallTime now) {
  const int64_t content = ContentRow(database, done, claimed.fingerprint);
  NoteSource(database, claimed.url, done, now);
  const std::optional<std::string> reason =
      done.reason.empty() ? std::nullopt : std::optional(done.reason);
  database.Run(
      "UPDATE image SET state = 1, claim = NULL, due = 0, how = ?,"
      " content = ?, source_bytes = ?, reason = ? WHERE id = ?",
      done.how, content, done.source_bytes, reason, claimed.image);
  ++tally.done;
  tally.bytes_source += static_cast<int64_t>(done.source_bytes);
  tally.bytes_stored += static_cast<int64_t>(done.content.bytes);
  switch (done.how) {
    case DoneHow::kRecompressed:
      ++tally.recompressed;
      break;
    case DoneHow::kKeptOriginal:
      ++tally.kept_original;
      break;
    case DoneHow::kReused:
      ++tally.reused;
      break;
  }
}

void ApplyRetry(Database& database, Tally& tally, const Claimed& claimed,
                const ImageRetry& retry, WallTime now) {
  NoteAttempt(database, claimed.image, retry.failure, now);
  const WallTime due = std::clamp<WallTime>(
      retry.due, 1, std::max<WallTime>(now, 1) + kMaxDelayMs);
  database.Run(
      "UPDATE image SET claim = NULL, due = ?, attempts = ?, waited_ms = ?"
      " WHERE id = ?",
      due, retry.attempts, retry.waited_ms, claimed.image);
  ++tally.waiting;
}

}  // namespace

void ApplyOutcome(Database& database, Ledger& ledger, int64_t owner,
                  const Outcome& outcome, WallTime now) {
  Claimed claimed{outcome.image, {}, {}};
  bool waited = false;
  {
    Query query(database,
                "SELECT image.url, batch.recipe_fingerprint, image.due > 0"
                " FROM image JOIN batch ON batch.id = image.batch"
                " WHERE image.id = ? AND image.claim = ? AND image.state = 0",
                outcome.image, owner);
    if (!query.Next()) return;  // No longer ours.
    claimed.url = query.Text(0);
    claimed.fingerprint = query.Text(1);
    waited = query.Int(2) != 0;
  }
  Tally& tally = ledger.Of(BatchOf(outcome.image));
  --tally.running;
  tally.bytes_downloaded += static_cast<int64_t>(outcome.downloaded);
  if (const auto* done = std::get_if<ImageDone>(&outcome.what)) {
    ApplyDone(database, tally, claimed, *done, now);
  } else if (const auto* failed = std::get_if<ImageFailed>(&outcome.what)) {
    NoteAttempt(database, outcome.image, failed->failure, now);
    StoreFailure(database, outcome.image, failed->failure, failed->attempts);
    ++tally.failed;
  } else if (const auto* retry = std::get_if<ImageRetry>(&outcome.what)) {
    ApplyRetry(database, tally, claimed, *retry, now);
  } else {
    database.Run("UPDATE image SET claim = NULL WHERE id = ?", outcome.image);
    if (waited) ++tally.waiting;
  }
}

int64_t FailHost(Database& database, Ledger& ledger, const HostFailure& failure,
                 int64_t limit) {
  const int64_t host =
      database.Value("SELECT id FROM host WHERE name = ?", failure.host);
  const int64_t waiting = database.Value(
      "SELECT count(*) FROM (SELECT due FROM image WHERE batch = ?"
      " AND host = ? AND state = 0 AND claim IS NULL ORDER BY due DESC"
      " LIMIT ?) WHERE due > 0",
      failure.batch, host, limit);
  const int64_t count = database.Run(
      "UPDATE image SET state = 2, due = 0, failure = ?, http_status = ?,"
      " message = ? WHERE id IN (SELECT id FROM image WHERE batch = ?"
      " AND host = ? AND state = 0 AND claim IS NULL ORDER BY due DESC"
      " LIMIT ?) AND state = 0 AND claim IS NULL",
      failure.failure.code, failure.failure.http_status,
      failure.failure.message, failure.batch, host, limit);
  Tally& tally = ledger.Of(failure.batch);
  tally.failed += count;
  tally.waiting -= waiting;
  return count;
}

void ReturnClaims(Database& database, Ledger& ledger, int64_t owner,
                  const std::vector<ImageKey>& decoding) {
  for (const ImageKey image : decoding) {
    database.Run(
        "UPDATE image SET suspects = suspects + 1 WHERE id = ? AND claim = ?",
        image, owner);
  }
  for (Query query(database,
                   "SELECT batch, count(*), sum(due > 0) FROM image"
                   " WHERE claim = ? GROUP BY batch",
                   owner);
       query.Next();) {
    Tally& tally = ledger.Of(query.As<BatchKey>(0));
    tally.running -= query.Int(1);
    tally.waiting += query.Int(2);
  }
  database.Run("UPDATE image SET claim = NULL WHERE claim = ?", owner);
}

std::optional<StoredContent> FindContent(Database& database,
                                         const Sha256& source_hash,
                                         const std::string& fingerprint) {
  Query query(database,
              "SELECT pool_key, format, bytes, width, height FROM content"
              " WHERE source_hash = ? AND recipe_fingerprint = ?",
              std::span<const uint8_t>(source_hash), fingerprint);
  if (!query.Next()) return std::nullopt;
  return StoredContent{query.Text(0), query.As<ImageFormat>(1),
                       query.As<uint64_t>(2), query.As<uint32_t>(3),
                       query.As<uint32_t>(4)};
}

std::string UrlHash(const std::string& url) {
  const Sha256 hash = HashOf(url);
  return std::string(hash.begin(), hash.begin() + 16);
}

void StoreFailure(Database& database, ImageKey image, const Failure& failure,
                  int attempts) {
  database.Run(
      "UPDATE image SET state = 2, claim = NULL, due = 0, attempts = ?,"
      " failure = ?, http_status = ?, message = ? WHERE id = ?",
      attempts, failure.code, failure.http_status, failure.message, image);
}

}  // namespace imgbatch
