#include "store/database.h"

#include <cerrno>
#include <chrono>
#include <thread>
#include <unordered_map>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "store/locks.h"
#include "store/utf8.h"

namespace imgbatch {

struct PreparedStatement {
  explicit PreparedStatement(SQLite::Statement prepared)
      : statement(std::move(prepared)) {}
  SQLite::Statement statement;
  bool in_use = false;
};

struct Database::Connection {
  Connection(const StorePaths& paths, int flags, ReusableLock writer_lock)
      : database(paths.database, flags), lock(std::move(writer_lock)) {}
  SQLite::Database database;
  ReusableLock lock;
  // By the address of the literal.
  std::unordered_map<const char*, PreparedStatement> statements;
};

namespace {

constexpr int64_t kPageBytes = 4096;

// Instead of SQLite's automatic checkpoint: only notes the size of the log.
int NoteLogSize(void* log_bytes, sqlite3*, const char*, int pages) {
  *static_cast<int64_t*>(log_bytes) = pages * kPageBytes;
  return SQLITE_OK;
}

ErrorCode CodeFor(int sqlite_code, int system_errno) {
  switch (sqlite_code & 0xFF) {
    case SQLITE_FULL:
      return ErrorCode::kNoSpace;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kBusy;
    case SQLITE_INTERRUPT:
      return ErrorCode::kCancelled;
    case SQLITE_IOERR:
      return system_errno == ENOSPC || system_errno == EDQUOT
                 ? ErrorCode::kNoSpace
                 : ErrorCode::kIo;
    default:
      return ErrorCode::kStore;
  }
}

std::string Explain(int sqlite_code, const char* sqlite_message) {
  switch (sqlite_code & 0xFF) {
    case SQLITE_NOTADB:
      return "is not an imgbatch store; name another with --store";
    case SQLITE_CORRUPT:
      return std::string("is damaged (") + sqlite_message +
             "); look at it with imgbatch doctor";
    case SQLITE_FULL:
      return "cannot grow: the disk is full; free some space and go on";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "is held by another process; try again";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return std::string("cannot be used (") + sqlite_message +
             "); name another with --store";
    default:
      return std::string("cannot be used: ") + sqlite_message;
  }
}

}  // namespace

// --- Query ------------------------------------------------------------------

void Query::Prepare(const char* sql) {
  if (!database_.failed()) statement_ = database_.Prepare(sql);
}

Query::~Query() {
  if (statement_ == nullptr) return;
  // The error of the last step, if any, has been noted already.
  (void)statement_->statement.tryReset();
  statement_->in_use = false;
}

bool Query::Next() {
  if (statement_ == nullptr || database_.failed()) return false;
  const int code = statement_->statement.tryExecuteStep();
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.FailWith(code);
  return false;
}

bool Query::IsNull(int column) const {
  return statement_->statement.isColumnNull(column);
}

int64_t Query::Int(int column) const {
  return statement_->statement.getColumn(column).getInt64();
}

std::string Query::Text(int column) const {
  const SQLite::Column value = statement_->statement.getColumn(column);
  // In this order: getBlob() may convert, getBytes() then counts the result.
  const char* bytes = static_cast<const char*>(value.getBlob());
  const int size = value.getBytes();
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<size_t>(size));
}

Sha256 Query::Hash(int column) const {
  const std::string bytes = Text(column);
  Sha256 hash{};
  if (bytes.size() == hash.size()) {
    std::copy(bytes.begin(), bytes.end(), hash.begin());
  }
  return hash;
}

// Binding can only fail for want of memory or by a wrong number in our SQL;
// both are no way to go on from.
void Query::Bind(int index, int64_t value) {
  if (statement_ != nullptr) statement_->statement.bind(index, value);
}

void Query::Bind(int index, const std::string& value) {
  if (statement_ == nullptr) return;
  if (IsCleanText(value)) {
    statement_->statement.bind(index, value);
  } else {
    statement_->statement.bind(index, value.data(),
                               static_cast<int>(value.size()));
  }
}

void Query::Bind(int index, std::span<const uint8_t> blob) {
  if (statement_ == nullptr) return;
  statement_->statement.bind(index, blob.data(), static_cast<int>(blob.size()));
}

void Query::Bind(int index, std::nullopt_t) {
  if (statement_ != nullptr) statement_->statement.bind(index);
}

// --- Database ---------------------------------------------------------------

Database::Database(const StorePaths& paths, DatabaseLimits limits)
    : paths_(paths), limits_(std::move(limits)) {}

Result<std::unique_ptr<Database>> Database::Open(const StorePaths& paths,
                                                 Use use,
                                                 DatabaseLimits limits) {
  struct stat status;
  if (use == Use::kRead && stat(paths.database.c_str(), &status) != 0 &&
      errno == ENOENT) {
    return Error{ErrorCode::kNotFound, "there is no store " + paths.database};
  }
  Result<ReusableLock> lock = ReusableLock::Open(paths.WriterLock());
  if (!lock) return lock.error();
  std::unique_ptr<Database> database(new Database(paths, std::move(limits)));
  // A reader opens for writing too: it may have to recover the log's index.
  const int flags = SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX |
                    (use == Use::kWrite ? SQLite::OPEN_CREATE : 0);
  try {
    database->connection_ =
        std::make_unique<Connection>(paths, flags, *std::move(lock));
  } catch (const SQLite::Exception& exception) {
    return Error{CodeFor(exception.getErrorCode(), errno),
                 paths.database + " " +
                     Explain(exception.getErrorCode(), exception.what())};
  }
  sqlite3* handle = database->connection_->database.getHandle();
  sqlite3_busy_timeout(handle,
                       static_cast<int>(database->limits_.busy.count()));
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_wal_hook(handle, NoteLogSize, &database->log_bytes_);
  database->Execute(
      "PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF;"
      "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
      "PRAGMA journal_size_limit=67108864; PRAGMA temp_store=FILE;"
      "PRAGMA cache_size=-" +
      std::to_string(database->limits_.cache_kib));
  if (use == Use::kRead) database->Execute("PRAGMA query_only=ON");
  Result<void> configured = database->TakeResult();
  if (!configured) return configured.error();
  return database;
}

Database::~Database() {
  if (connection_ == nullptr) return;
  if (!broken_ && log_bytes_ > 0) TruncateLog();
}

void Database::Fail(Error error) {
  if (!error_) error_ = std::move(error);
}

void Database::FailDamaged() {
  Fail({ErrorCode::kStore,
        paths_.database + " " + Explain(SQLITE_CORRUPT, "indices disagree")});
}

void Database::FailWith(int sqlite_code) {
  if (error_) return;
  sqlite3* handle = connection_->database.getHandle();
  const int extended = sqlite3_extended_errcode(handle);
  if (sqlite_code == SQLITE_ERROR && extended != SQLITE_OK) {
    sqlite_code = extended;
  }
  const ErrorCode code = CodeFor(sqlite_code, sqlite3_system_errno(handle));
  if ((sqlite_code & 0xFF) == SQLITE_IOERR && code == ErrorCode::kIo) {
    broken_ = true;
  }
  const std::string text = Explain(
      (sqlite_code & 0xFF) == SQLITE_IOERR && code == ErrorCode::kNoSpace
          ? SQLITE_FULL
          : sqlite_code,
      sqlite3_errmsg(handle));
  Fail({code, paths_.database + " " + text});
}

Result<void> Database::TakeResult() {
  if (!error_) return {};
  if (broken_) return *error_;
  Error error = *std::move(error_);
  error_.reset();
  return error;
}

PreparedStatement* Database::Prepare(const char* sql) {
  auto known = connection_->statements.find(sql);
  if (known == connection_->statements.end()) {
    try {
      known =
          connection_->statements
              .try_emplace(sql, SQLite::Statement(connection_->database, sql))
              .first;
    } catch (const SQLite::Exception& exception) {
      FailWith(exception.getErrorCode());
      return nullptr;
    }
  }
  IMGBATCH_ASSERT(!known->second.in_use);
  known->second.in_use = true;
  return &known->second;
}

void Database::Execute(const std::string& sql) {
  if (failed()) return;
  const int code = connection_->database.tryExec(sql);
  if (code != SQLITE_OK) FailWith(code);
}

int64_t Database::changes() const {
  return sqlite3_changes64(connection_->database.getHandle());
}

int64_t Database::last_insert_id() const {
  return connection_->database.getLastInsertRowid();
}

void Database::LimitTime(Milliseconds limit) {
  sqlite3* handle = connection_->database.getHandle();
  end_of_time_ = std::chrono::steady_clock::now() + limit;
  constexpr int kInstructionsBetweenLooks = 1000;
  sqlite3_progress_handler(
      handle, limit.count() > 0 ? kInstructionsBetweenLooks : 0,
      [](void* end) {
        const auto* time =
            static_cast<const std::chrono::steady_clock::time_point*>(end);
        return std::chrono::steady_clock::now() >= *time ? 1 : 0;
      },
      &end_of_time_);
}

void Database::UseLog() {
  const Result<void> locked = connection_->lock.Acquire(limits_.busy);
  if (!locked) return Fail(locked.error());
  Execute("PRAGMA journal_mode=WAL");
  connection_->lock.Release();
}

// --- Transactions and the log -----------------------------------------------

void Database::Begin() {
  if (failed()) return;
  if (log_bytes_ > limits_.max_log_bytes) AwaitReaders();
  if (failed()) return;
  const Result<void> locked = connection_->lock.Acquire(limits_.busy);
  if (!locked) {
    Fail({locked.error().code,
          paths_.database + " is busy: " + locked.error().message});
    return;
  }
  Execute("BEGIN IMMEDIATE");
}

Result<void> Database::Commit() {
  if (!failed()) Execute("COMMIT");
  if (failed()) {
    Rollback();
    return TakeResult();
  }
  if (log_bytes_ > limits_.checkpoint_bytes) {
    sqlite3_wal_checkpoint_v2(connection_->database.getHandle(), nullptr,
                              SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  connection_->lock.Release();
  return {};
}

void Database::Rollback() {
  sqlite3* handle = connection_->database.getHandle();
  if (sqlite3_get_autocommit(handle) == 0) {
    (void)connection_->database.tryExec("ROLLBACK");
  }
  connection_->lock.Release();
}

void Database::Checkpoint() {
  if (failed() || !connection_->lock.Acquire(Milliseconds{0})) return;
  sqlite3_wal_checkpoint_v2(connection_->database.getHandle(), nullptr,
                            SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  connection_->lock.Release();
}

// Empties the log; false when a reader or another process stands in the way.
bool Database::TruncateLog() {
  if (!connection_->lock.Acquire(Milliseconds{0})) return false;
  sqlite3* handle = connection_->database.getHandle();
  sqlite3_busy_timeout(handle, 0);
  const int code = sqlite3_wal_checkpoint_v2(
      handle, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(handle, static_cast<int>(limits_.busy.count()));
  connection_->lock.Release();
  if (code == SQLITE_OK) log_bytes_ = 0;
  return code == SQLITE_OK;
}

void Database::AwaitReaders() {
  using SteadyClock = std::chrono::steady_clock;
  const auto begin = SteadyClock::now();
  bool told = false;
  while (!TruncateLog()) {
    const auto waited = SteadyClock::now() - begin;
    if (limits_.stop && limits_.stop()) {
      return Fail({ErrorCode::kCancelled,
                   "stopped while waiting for a reader "
                   "of " +
                       paths_.database});
    }
    if (waited > limits_.reader_patience) {
      return Fail({ErrorCode::kBusy,
                   "a program keeps reading " + paths_.database +
                       ", so that its log cannot be emptied: end that "
                       "program and go on"});
    }
    if (!told && waited > Milliseconds{500} && limits_.notice) {
      limits_.notice("waiting for a program that reads " + paths_.database +
                     ": its log cannot be emptied before it ends its query");
      told = true;
    }
    std::this_thread::sleep_for(Milliseconds{5});
  }
}

}  // namespace imgbatch
