#include "store/sqlite_job_reader.h"

#include <utility>

#include "store/batch_names.h"
#include "store/image_keys.h"
#include "store/schema.h"

namespace imgbatch {
namespace {

// The columns that ViewFrom() reads, in its order.
#define IMGBATCH_BATCH_COLUMNS                                             \
  "SELECT id, uuid, state, sealed, round, source, settings, recipe,"       \
  " kept_input, rows, rows_invalid, created_at, updated_at, finished_at,"  \
  " handed_to_serve, total, done, failed, running, waiting, recompressed," \
  " kept_original, reused, bytes_downloaded, bytes_source, bytes_stored,"  \
  " reported_round"                                                        \
  " FROM batch "

BatchView ViewFrom(const Query& row) {
  BatchView view;
  view.key = row.As<BatchKey>(0);
  view.uuid = row.Text(1);
  view.state = row.As<BatchState>(2);
  view.sealed = row.Int(3) != 0;
  view.round = row.As<int>(4);
  view.source = row.Text(5);
  view.settings = row.Text(6);
  view.recipe = row.Text(7);
  view.kept_input = row.Text(8);
  view.rows = row.Int(9);
  view.rows_invalid = row.Int(10);
  view.created_at = row.Int(11);
  view.updated_at = row.Int(12);
  view.finished_at = row.Int(13);
  view.handed_to_serve = row.Int(14) != 0;
  view.tally = {row.Int(15), row.Int(16), row.Int(17), row.Int(18),
                row.Int(19), row.Int(20), row.Int(21), row.Int(22),
                row.Int(23), row.Int(24), row.Int(25)};
  view.reported_round = row.As<int>(26);
  return view;
}

CellView CellFrom(const Query& row) {
  CellView cell;
  cell.row = row.Int(0);
  cell.place = row.As<int32_t>(1);
  cell.stem = row.Text(2);
  cell.n = NumberOf(row.As<ImageKey>(3));
  cell.url = row.Text(4);
  cell.state = row.As<ImageState>(5);
  cell.attempts = row.As<int>(6);
  if (cell.state == ImageState::kFailed) {
    cell.failure = Failure{row.As<FailureCode>(7), row.As<int>(8), row.Text(9)};
  } else if (cell.state == ImageState::kDone) {
    cell.content = StoredContent{row.Text(10), row.As<ImageFormat>(11),
                                 row.As<uint64_t>(12), row.As<uint32_t>(13),
                                 row.As<uint32_t>(14)};
  }
  return cell;
}

// Every matching row, or the error.
template <typename T>
Result<std::vector<T>> Collect(Database& database, Query& query,
                               T (*from)(const Query&)) {
  std::vector<T> all;
  while (query.Next()) all.push_back(from(query));
  const Result<void> result = database.TakeResult();
  if (!result) return result.error();
  return all;
}

}  // namespace

Result<std::unique_ptr<SqliteJobReader>> SqliteJobReader::Open(
    const StorePaths& paths, DatabaseLimits limits) {
  Result<std::unique_ptr<Database>> database =
      Database::Open(paths, Database::Use::kRead, std::move(limits));
  if (!database) return database.error();
  const Result<void> prepared = PrepareSchema(**database, Database::Use::kRead);
  if (!prepared) return prepared.error();
  return std::unique_ptr<SqliteJobReader>(
      new SqliteJobReader(*std::move(database)));
}

Result<BatchView> SqliteJobReader::FindBatch(std::string_view name) {
  std::vector<std::string> uuids;
  std::vector<BatchKey> keys;
  for (Query query(*database_, "SELECT uuid, id FROM batch ORDER BY id");
       query.Next();) {
    uuids.push_back(query.Text(0));
    keys.push_back(query.As<BatchKey>(1));
  }
  const Result<void> result = database_->TakeResult();
  if (!result) return result.error();
  const Result<std::string> uuid = ResolveBatchName(name, uuids);
  if (!uuid) return uuid.error();
  for (size_t i = 0; i < uuids.size(); ++i) {
    if (uuids[i] == *uuid) return ReadBatch(keys[i]);
  }
  return Error{ErrorCode::kNotFound, "no such batch: " + std::string(name)};
}

Result<std::optional<BatchView>> SqliteJobReader::FindByIdentity(
    std::string_view identity, bool unfinished) {
  Query query(*database_,
              IMGBATCH_BATCH_COLUMNS
              "WHERE (?1 = '' OR identity = ?1) AND (?2 = 0 OR state < 2"
              " OR (state < 4 AND handed_to_serve = 0"
              " AND reported_round < round))"
              " ORDER BY id DESC LIMIT 1",
              std::string(identity), unfinished);
  const Result<std::vector<BatchView>> found =
      Collect(*database_, query, ViewFrom);
  if (!found) return found.error();
  if (found->empty()) return std::optional<BatchView>();
  return std::optional(found->front());
}

Result<std::vector<BatchView>> SqliteJobReader::ListBatches(
    int limit, std::optional<BatchKey> before) {
  Query query(*database_,
              IMGBATCH_BATCH_COLUMNS "WHERE id < ? ORDER BY id DESC LIMIT ?",
              before.value_or(static_cast<BatchKey>(INT64_MAX)), limit);
  return Collect(*database_, query, ViewFrom);
}

Result<BatchView> SqliteJobReader::ReadBatch(BatchKey batch) {
  Query query(*database_, IMGBATCH_BATCH_COLUMNS "WHERE id = ?", batch);
  const Result<std::vector<BatchView>> found =
      Collect(*database_, query, ViewFrom);
  if (!found) return found.error();
  if (found->empty()) return Error{ErrorCode::kNotFound, "no such batch"};
  return found->front();
}

Result<std::vector<FailureCount>> SqliteJobReader::CountFailures(
    BatchKey batch) {
  Query query(*database_,
              "SELECT failure, count(*) FROM image WHERE batch = ?"
              " AND state = 2 GROUP BY failure ORDER BY 2 DESC, 1",
              batch);
  return Collect<FailureCount>(*database_, query, [](const Query& row) {
    return FailureCount{row.As<FailureCode>(0), row.Int(1)};
  });
}

Result<std::vector<CellView>> SqliteJobReader::ReadCells(BatchKey batch,
                                                         CellCursor after,
                                                         int limit,
                                                         bool only_failed) {
  Query query(*database_,
              "SELECT cell.row, cell.place, cell.stem, image.id, image.url,"
              " image.state, image.attempts, image.failure, image.http_status,"
              " image.message, content.pool_key, content.format,"
              " content.bytes, content.width, content.height"
              " FROM cell CROSS JOIN image ON image.id = cell.image"
              " LEFT JOIN content ON content.id = image.content"
              " WHERE cell.batch = ?1 AND (cell.row, cell.place) > (?2, ?3)"
              " AND (?4 = 0 OR image.state = 2)"
              " ORDER BY cell.row, cell.place LIMIT ?5",
              batch, after.row, after.place, only_failed, limit);
  return Collect(*database_, query, CellFrom);
}

Result<std::vector<BadRowView>> SqliteJobReader::ReadBadRows(BatchKey batch,
                                                             int64_t after_row,
                                                             int limit) {
  Query query(*database_,
              "SELECT row, line, byte_offset, reason FROM bad_row"
              " WHERE batch = ? AND row > ? ORDER BY row LIMIT ?",
              batch, after_row, limit);
  return Collect<BadRowView>(*database_, query, [](const Query& row) {
    return BadRowView{row.Int(0), row.Int(1), row.Int(2), row.Text(3)};
  });
}

}  // namespace imgbatch
