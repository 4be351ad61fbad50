#include <algorithm>

#include "store/batch_names.h"
#include "tests/support/memory_job_store.h"

namespace imgbatch {

Result<BatchView> MemoryJobReader::FindBatch(std::string_view name) {
  const std::lock_guard lock(database_.mutex);
  std::vector<std::string> uuids;
  for (const auto& batch : database_.batches) uuids.push_back(batch->view.uuid);
  const Result<std::string> uuid = ResolveBatchName(name, uuids);
  if (!uuid) return uuid.error();
  const auto at = std::find(uuids.begin(), uuids.end(), *uuid);
  return database_.batches[static_cast<size_t>(at - uuids.begin())]->view;
}

Result<std::optional<BatchView>> MemoryJobReader::FindByIdentity(
    std::string_view identity, bool unfinished) {
  const std::lock_guard lock(database_.mutex);
  for (size_t i = database_.batches.size(); i-- > 0;) {
    const MemoryDatabase::Batch& batch = *database_.batches[i];
    if (!identity.empty() && batch.made.identity != identity) continue;
    if (unfinished && !IsUnfinished(batch.view)) continue;
    return std::optional(batch.view);
  }
  return std::optional<BatchView>();
}

Result<std::vector<BatchView>> MemoryJobReader::ListBatches(
    int limit, std::optional<BatchKey> before) {
  const std::lock_guard lock(database_.mutex);
  std::vector<BatchView> views;
  for (size_t i = database_.batches.size();
       i-- > 0 && views.size() < static_cast<size_t>(limit);) {
    const BatchView& view = database_.batches[i]->view;
    if (!before || view.key < *before) views.push_back(view);
  }
  return views;
}

Result<BatchView> MemoryJobReader::ReadBatch(BatchKey batch) {
  const std::lock_guard lock(database_.mutex);
  const auto key = static_cast<size_t>(batch);
  if (key < 1 || key > database_.batches.size()) {
    return Error{ErrorCode::kNotFound, "no such batch"};
  }
  return database_.batches[key - 1]->view;
}

Result<std::vector<FailureCount>> MemoryJobReader::CountFailures(
    BatchKey batch) {
  const std::lock_guard lock(database_.mutex);
  std::map<FailureCode, int64_t> counts;
  for (const auto& image :
       database_.batches[static_cast<size_t>(batch) - 1]->images) {
    if (image.state == ImageState::kFailed) ++counts[image.failure.code];
  }
  std::vector<FailureCount> sorted;
  for (const auto& [code, count] : counts) sorted.push_back({code, count});
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const FailureCount& a, const FailureCount& b) {
                     return a.count > b.count;
                   });
  return sorted;
}

Result<std::vector<CellView>> MemoryJobReader::ReadCells(BatchKey batch,
                                                         CellCursor after,
                                                         int limit,
                                                         bool only_failed) {
  const std::lock_guard lock(database_.mutex);
  const auto& stored = *database_.batches[static_cast<size_t>(batch) - 1];
  std::vector<CellView> cells;
  for (auto at = stored.cells.upper_bound({after.row, after.place});
       at != stored.cells.end() && cells.size() < static_cast<size_t>(limit);
       ++at) {
    const auto& [n, stem] = at->second;
    const auto& image = stored.images[static_cast<size_t>(n) - 1];
    if (only_failed && image.state != ImageState::kFailed) continue;
    CellView view{at->first.first, at->first.second, stem,         n,
                  image.url,       image.state,      std::nullopt, std::nullopt,
                  image.attempts};
    if (image.state == ImageState::kDone) view.content = image.content;
    if (image.state == ImageState::kFailed) view.failure = image.failure;
    cells.push_back(std::move(view));
  }
  return cells;
}

Result<std::vector<BadRowView>> MemoryJobReader::ReadBadRows(BatchKey batch,
                                                             int64_t after_row,
                                                             int limit) {
  const std::lock_guard lock(database_.mutex);
  std::vector<BadRowView> rows;
  for (const BadRowView& row :
       database_.batches[static_cast<size_t>(batch) - 1]->bad_rows) {
    if (row.row > after_row && rows.size() < static_cast<size_t>(limit)) {
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace imgbatch
