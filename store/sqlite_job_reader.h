// The JobReader in SQLite: a connection of its own that never writes. Every
// call is one query, so a writer is never held up for long.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/job_reader.h"
#include "store/database.h"

namespace imgbatch {

class SqliteJobReader final : public JobReader {
 public:
  // kNotFound when there is no store; kStore, kNewerSchema, kBusy, kIo.
  static Result<std::unique_ptr<SqliteJobReader>> Open(
      const StorePaths& paths, DatabaseLimits limits = {});

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
  explicit SqliteJobReader(std::unique_ptr<Database> database)
      : database_(std::move(database)) {}
  std::unique_ptr<Database> database_;
};

}  // namespace imgbatch
