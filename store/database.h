// One SQLite connection, spoken to without exceptions. Errors are sticky: the
// first one within a transaction turns everything after it into nothing, and
// Commit() or TakeResult() reports it. So statements can be written one after
// the other, and nothing is ever committed of a transaction that met an error.
//
// Every write transaction and every checkpoint of every process happens under
// one exclusive lock file. That makes waiting short and fair, and SQLite's
// WAL-reset bug (3.7.0 to 3.51.2: a checkpoint that races a writer in another
// connection can corrupt) impossible. SQLite's own checkpoints are off.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/clock.h"
#include "core/hash.h"
#include "core/result.h"
#include "store/store_paths.h"

namespace imgbatch {

struct DatabaseLimits {
  // How long another process may hold the store before that is kBusy.
  Milliseconds busy{10'000};
  // Page cache, KiB. Small: recording a million rows fits into 64 MiB in all.
  int cache_kib = 8192;
  // The log is copied into the database above this size …
  int64_t checkpoint_bytes = int64_t{16} << 20;
  // … and above this one nothing more is written until no reader stands in
  // the way. A reader that is stopped inside a query is waited for so long:
  int64_t max_log_bytes = int64_t{64} << 20;
  Milliseconds reader_patience{300'000};
  // Told, in one sentence, when the writer begins to wait for a reader.
  std::function<void(std::string_view)> notice;
  // Asked while waiting: true gives up at once with kCancelled.
  std::function<bool()> stop;
};

class Database;
struct PreparedStatement;  // In database.cc.

// A statement that runs; it is reset when this object is destroyed. Columns
// are numbered from 0 and valid after Next() returned true.
class Query {
 public:
  template <typename... Args>
  Query(Database& database, const char* sql, const Args&... args)
      : database_(database) {
    Prepare(sql);
    Append(args...);
  }
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Binds the next parameters.
  template <typename... Args>
  void Append(const Args&... args) {
    (Bind(++bound_, args), ...);
  }

  // Goes to the next row; false at the end and after any error.
  bool Next();

  bool IsNull(int column) const;
  int64_t Int(int column) const;
  std::string Text(int column) const;  // The bytes of a text or blob.
  Sha256 Hash(int column) const;       // Zeros when it is none.
  template <typename Enum>
  Enum As(int column) const {
    return static_cast<Enum>(Int(column));
  }

 private:
  void Prepare(const char* sql);
  void Bind(int index, int64_t value);
  // As text; as a blob when it is not valid UTF-8 or has a NUL inside.
  void Bind(int index, const std::string& value);
  void Bind(int index, std::span<const uint8_t> blob);
  void Bind(int index, std::nullopt_t);
  template <std::integral T>
  void Bind(int index, T value) {
    Bind(index, static_cast<int64_t>(value));
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void Bind(int index, Enum value) { Bind(index, static_cast<int64_t>(value)); }
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) {
      Bind(index, *value);
    } else {
      Bind(index, std::nullopt);
    }
  }

  Database& database_;
  PreparedStatement* statement_ = nullptr;  // Null after an error.
  int bound_ = 0;                           // Parameters so far.
};

// Belongs to one thread.
class Database {
 public:
  enum class Use { kRead, kWrite };

  // Opens the file (with kWrite creating it) and configures the connection.
  // Does not look at the schema. kNotFound (kRead), kStore, kBusy, kIo.
  static Result<std::unique_ptr<Database>> Open(const StorePaths& paths,
                                                Use use, DatabaseLimits limits);
  // A writer that met no error leaves an empty log behind.
  ~Database();

  const StorePaths& paths() const { return paths_; }
  bool failed() const { return error_.has_value(); }
  // Makes everything fail until the transaction ends; the first one counts.
  void Fail(Error error);
  // For what a sound database cannot contain.
  void FailDamaged();
  // The error since the last call, or success. An I/O error stays for good:
  // what is on the disk is unknown, and another try might not tell.
  Result<void> TakeResult();

  // Runs a statement to its end. The SQL must be a literal: statements are
  // kept by its address. Returns the rows changed.
  template <typename... Args>
  int64_t Run(const char* sql, const Args&... args) {
    {
      Query query(*this, sql, args...);
      while (query.Next()) {
      }
    }
    return failed() ? 0 : changes();
  }
  // Runs statements that are not kept, separated by ";".
  void Execute(const std::string& sql);
  // The first column of the first row; 0 without one.
  template <typename... Args>
  int64_t Value(const char* sql, const Args&... args) {
    Query query(*this, sql, args...);
    return query.Next() ? query.Int(0) : 0;
  }
  int64_t last_insert_id() const;
  // Queries from now on fail with kCancelled when this time is over; 0: none
  // does any more.
  void LimitTime(Milliseconds limit);
  // Turns the write-ahead log on, which the file remembers.
  void UseLog();

  // Copies the log into the database when nobody is writing. Called for every
  // commit above the limit; call it when idle. Trouble is not an error: the
  // log is as good as the database.
  void Checkpoint();
  int64_t log_bytes() const { return log_bytes_; }

 private:
  friend class Query;
  friend class Transaction;
  struct Connection;  // What SQLiteCpp gives; in database.cc.

  Database(const StorePaths& paths, DatabaseLimits limits);
  PreparedStatement* Prepare(const char* sql);
  void FailWith(int sqlite_code);
  int64_t changes() const;
  void Begin();
  Result<void> Commit();
  void Rollback();
  void AwaitReaders();
  bool TruncateLog();

  StorePaths paths_;
  DatabaseLimits limits_;
  std::unique_ptr<Connection> connection_;
  std::optional<Error> error_;
  bool broken_ = false;  // An I/O error happened: error_ stays.
  int64_t log_bytes_ = 0;
  std::chrono::steady_clock::time_point end_of_time_{};
};

// A write transaction, under the lock of writers. Undone unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.Begin();
  }
  ~Transaction() {
    if (open_) database_.Rollback();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Durable when it succeeds; otherwise nothing happened, and the error is the
  // first that any statement met.
  Result<void> Commit() {
    open_ = false;
    return database_.Commit();
  }

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace imgbatch
