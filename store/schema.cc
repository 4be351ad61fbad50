#include "store/schema.h"

#include <array>
#include <string>

namespace imgbatch {
namespace {

// Conventions: times are milliseconds since 1970 UTC, 0 means "not yet".
// Columns of type ANY hold text, or a blob where the bytes are not valid
// UTF-8. An image's id is its batch's id * 2^32 + its number, so that a batch's
// images lie together in input order and need no second index.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE schema_history (
  version     INTEGER PRIMARY KEY,
  program     TEXT NOT NULL,       -- imgbatch version that made this schema
  at          INTEGER NOT NULL
) STRICT;

CREATE TABLE batch (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid        TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
  state       INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
                                   -- 0 pending, 1 processing, 2 completed,
                                   -- 3 completed_with_errors, 4 cancelled
  sealed      INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1)),
  round       INTEGER NOT NULL DEFAULT 1 CHECK (round >= 1),
  reported_round INTEGER NOT NULL DEFAULT 0
              CHECK (reported_round BETWEEN 0 AND round),
                                   -- whose output was written last
  source      ANY NOT NULL,        -- what the user called the input
  identity    ANY NOT NULL,        -- equal for an equal input and settings
  settings    ANY NOT NULL,
  recipe      ANY NOT NULL,
  recipe_fingerprint TEXT NOT NULL,
  kept_input  TEXT NOT NULL,       -- relative to the files folder
  webhook_url ANY NOT NULL DEFAULT '',
  handed_to_serve INTEGER NOT NULL DEFAULT 0
              CHECK (handed_to_serve IN (0, 1)),
  owner_key   TEXT NOT NULL DEFAULT '',
  rows        INTEGER NOT NULL DEFAULT 0 CHECK (rows >= 0),
  rows_invalid INTEGER NOT NULL DEFAULT 0 CHECK (rows_invalid >= 0),
  total       INTEGER NOT NULL DEFAULT 0,
  done        INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
  failed      INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
  running     INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  waiting     INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
  recompressed INTEGER NOT NULL DEFAULT 0 CHECK (recompressed >= 0),
  kept_original INTEGER NOT NULL DEFAULT 0 CHECK (kept_original >= 0),
  reused      INTEGER NOT NULL DEFAULT 0 CHECK (reused >= 0),
  bytes_downloaded INTEGER NOT NULL DEFAULT 0 CHECK (bytes_downloaded >= 0),
  bytes_source INTEGER NOT NULL DEFAULT 0 CHECK (bytes_source >= 0),
  bytes_stored INTEGER NOT NULL DEFAULT 0 CHECK (bytes_stored >= 0),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL DEFAULT 0,
  CHECK (done + failed + running + waiting <= total),
  CHECK (done = recompressed + kept_original + reused),
  CHECK ((state >= 2) = (finished_at <> 0)),
  CHECK (state NOT IN (2, 3) OR (sealed = 1 AND done + failed = total))
) STRICT;
CREATE INDEX batch_identity ON batch (identity);
CREATE INDEX batch_served ON batch (id) WHERE handed_to_serve = 1 AND state < 2;

CREATE TABLE host (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE -- "name" or "name:port"
) STRICT;

CREATE TABLE image (
  id          INTEGER PRIMARY KEY, -- batch * 2^32 + n
  batch       INTEGER NOT NULL AS (id >> 32) VIRTUAL,
  n           INTEGER NOT NULL AS (id & 4294967295) VIRTUAL,
  host        INTEGER,             -- host.id; null: the URL is invalid
  state       INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
                                   -- 0 pending, 1 done, 2 failed
  claim       INTEGER,             -- owner.id while somebody works on it
  due         INTEGER NOT NULL DEFAULT 0, -- not before; 0: never tried
  attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  waited_ms   INTEGER NOT NULL DEFAULT 0 CHECK (waited_ms >= 0),
  suspects    INTEGER NOT NULL DEFAULT 0, -- deaths while decoding it
  first_row   INTEGER NOT NULL,    -- its first cell
  first_place INTEGER NOT NULL,
  how         INTEGER CHECK (how IN (0, 1, 2)),
                                   -- 0 recompressed, 1 kept_original, 2 reused
  content     INTEGER,             -- content.id
  source_bytes INTEGER,
  reason      TEXT,                -- why kept_original
  failure     INTEGER,             -- code, 1 invalid_url … 20 crashed
  http_status INTEGER,
  message     ANY,
  url         ANY NOT NULL,
  CHECK (claim IS NULL OR state = 0),
  CHECK ((state = 1) = (content IS NOT NULL AND how IS NOT NULL)),
  CHECK ((state = 2) = (failure IS NOT NULL)),
  CHECK (host IS NOT NULL OR state = 2)
) STRICT;
CREATE INDEX image_claimable ON image (batch, host, due)
  WHERE state = 0 AND claim IS NULL;
CREATE INDEX image_waiting ON image (batch, due)
  WHERE state = 0 AND claim IS NULL AND due > 0;
CREATE INDEX image_claimed ON image (claim) WHERE claim IS NOT NULL;
CREATE INDEX image_failed ON image (batch, failure) WHERE state = 2;

CREATE TABLE cell (
  batch       INTEGER NOT NULL,
  row         INTEGER NOT NULL,    -- 1-based record of the input
  place       INTEGER NOT NULL,    -- 1-based URL of that record
  image       INTEGER NOT NULL,    -- image.id
  repeats     INTEGER NOT NULL CHECK (repeats IN (0, 1)),
                                   -- 1: the image had a cell before this one
  stem        ANY,                 -- file name without extension; null: default
  PRIMARY KEY (batch, row, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX cell_repeats ON cell (image, row, place) WHERE repeats = 1;

CREATE TABLE bad_row (
  batch       INTEGER NOT NULL,
  row         INTEGER NOT NULL,
  line        INTEGER NOT NULL,
  byte_offset INTEGER NOT NULL,
  reason      ANY NOT NULL,
  PRIMARY KEY (batch, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE source (              -- what a URL answered last
  url_hash    BLOB PRIMARY KEY CHECK (length(url_hash) = 16),
                                   -- first half of the URL's SHA-256
  source_hash BLOB NOT NULL CHECK (length(source_hash) = 32),
  source_bytes INTEGER NOT NULL,
  etag        ANY NOT NULL,
  last_modified ANY NOT NULL,
  seen_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE content (             -- results in the pool
  id          INTEGER PRIMARY KEY,
  source_hash BLOB NOT NULL CHECK (length(source_hash) = 32),
  recipe_fingerprint TEXT NOT NULL,
  pool_key    TEXT NOT NULL,
  format      INTEGER NOT NULL,    -- 1 jpeg, 2 png, 3 webp, 4 gif …
  bytes       INTEGER NOT NULL,
  width       INTEGER NOT NULL,
  height      INTEGER NOT NULL,
  UNIQUE (source_hash, recipe_fingerprint)
) STRICT;

CREATE TABLE attempt (             -- tries that did not succeed
  image       INTEGER NOT NULL,
  nth         INTEGER NOT NULL,    -- over all rounds
  round       INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  failure     INTEGER NOT NULL,
  http_status INTEGER NOT NULL,
  message     ANY NOT NULL,
  PRIMARY KEY (image, nth)
) STRICT, WITHOUT ROWID;

CREATE TABLE owner (               -- who may hold claims
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  boot_id     TEXT NOT NULL,
  pid         INTEGER NOT NULL,
  started     INTEGER NOT NULL,    -- clock ticks after boot, see proc(5)
  since       INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (              -- events for webhooks, one per round
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  batch       INTEGER NOT NULL,
  round       INTEGER NOT NULL,
  state       INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
                                   -- 0 to send, 1 delivered, 2 given up,
                                   -- 3 disabled by the receiver
  attempts    INTEGER NOT NULL DEFAULT 0,
  due         INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  UNIQUE (batch, round)
) STRICT;
CREATE INDEX outbox_due ON outbox (due) WHERE state = 0;

CREATE TABLE delivery (            -- tries to send an event
  event       INTEGER NOT NULL,    -- outbox.id
  nth         INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  http_status INTEGER NOT NULL,    -- 0: no answer
  message     ANY NOT NULL,
  PRIMARY KEY (event, nth)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  scope       TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL DEFAULT 0,
  last_used_at INTEGER NOT NULL DEFAULT 0,
  revoked_at  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE idempotency (
  owner_key   TEXT NOT NULL,
  key         ANY NOT NULL,
  request_hash BLOB NOT NULL,
  batch       INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (owner_key, key)
) STRICT, WITHOUT ROWID;
)sql";

// Migration n leads from version n to n + 1.
constexpr std::array<const char*, kSchemaVersion> kMigrations = {kVersion1};

struct Found {
  int64_t application_id = 0;
  int64_t version = 0;
  int64_t objects = 0;  // Tables, indices and the like.
};

Found LookAt(Database& database) {
  return {database.Value("SELECT * FROM pragma_application_id"),
          database.Value("SELECT * FROM pragma_user_version"),
          database.Value("SELECT count(*) FROM sqlite_schema")};
}

Error NewerSchema(Database& database, int64_t version) {
  std::string program = "a newer version";
  {
    Query query(database,
                "SELECT program FROM schema_history ORDER BY version DESC");
    if (query.Next()) program = "version " + query.Text(0);
  }
  (void)database.TakeResult();  // A newer schema may not have that table.
  return {ErrorCode::kNewerSchema,
          database.paths().database + " has schema " + std::to_string(version) +
              ", this imgbatch " IMGBATCH_VERSION " knows up to " +
              std::to_string(kSchemaVersion) + ": use imgbatch " +
              (program == "a newer version" ? "of a newer version"
                                            : program + " or newer")};
}

// What forbids to go on with the database, if anything does.
Result<void> Judge(Database& database, const Found& found) {
  const std::string& path = database.paths().database;
  if (found.application_id != kApplicationId &&
      (found.objects > 0 || found.application_id != 0)) {
    return Error{ErrorCode::kStore,
                 path + " is not an imgbatch store; name another with --store"};
  }
  if (found.version > kSchemaVersion) {
    return NewerSchema(database, found.version);
  }
  return {};
}

// Another process may have done it since we looked: looks again, locked.
Result<bool> MigrateOnce(Database& database) {
  Transaction transaction(database);
  const Found found = LookAt(database);
  if (database.failed()) return transaction.Commit().error();
  const Result<void> judged = Judge(database, found);
  if (!judged) return judged.error();
  if (found.version == kSchemaVersion) return true;
  const int64_t next = found.version + 1;
  database.Execute(kMigrations[static_cast<size_t>(found.version)]);
  database.Run(
      "INSERT INTO schema_history (version, program, at)"
      " VALUES (?, ?, unixepoch() * 1000)",
      next, std::string(IMGBATCH_VERSION));
  database.Execute("PRAGMA application_id=" + std::to_string(kApplicationId) +
                   "; PRAGMA user_version=" + std::to_string(next));
  const Result<void> committed = transaction.Commit();
  if (!committed) return committed.error();
  return next == kSchemaVersion;
}

}  // namespace

Result<void> PrepareSchema(Database& database, Database::Use use) {
  const Found found = LookAt(database);
  Result<void> looked = database.TakeResult();
  if (!looked) return looked;
  Result<void> judged = Judge(database, found);
  if (!judged) return judged;
  if (found.version == kSchemaVersion) return {};
  if (use == Database::Use::kRead && found.version == 0) {
    return Error{ErrorCode::kNotFound,
                 "there is no store in " + database.paths().database};
  }
  database.UseLog();
  Result<void> log = database.TakeResult();
  if (!log) return log;
  for (;;) {
    const Result<bool> finished = MigrateOnce(database);
    if (!finished) return finished.error();
    if (*finished) return {};
  }
}

}  // namespace imgbatch
