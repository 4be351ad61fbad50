// The store port, reading side: what status, report and serve look at. Works
// while another process writes. One object belongs to one thread; no call
// holds a read transaction open when it returns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/job.h"
#include "core/result.h"

namespace imgbatch {

struct BatchView {
  BatchKey key{};
  std::string uuid;
  BatchState state = BatchState::kPending;
  bool sealed = false;
  int round = 1;
  std::string source;
  std::string settings;  // ToText(Settings).
  std::string recipe;    // ToText(Recipe).
  std::string kept_input;
  Tally tally;
  int64_t rows = 0;  // Recorded so far; all of them when sealed.
  int64_t rows_invalid = 0;
  WallTime created_at = 0;
  WallTime updated_at = 0;
  WallTime finished_at = 0;  // 0: not ended.
  bool handed_to_serve = false;
  int reported_round = 0;  // Whose output was written last; 0: none.
};

// Something is left to do: images, or the output that a killed process did not
// come to write. What was handed to serve is written when it is asked for.
inline bool IsUnfinished(const BatchView& batch) {
  return !HasEnded(batch.state) ||
         (batch.state != BatchState::kCancelled && !batch.handed_to_serve &&
          batch.reported_round < batch.round);
}

struct FailureCount {
  FailureCode code{};
  int64_t count = 0;
};

// One URL position of a row, with what became of its image.
struct CellView {
  int64_t row = 0;
  int32_t place = 0;
  std::string stem;  // Empty: the default one.
  int64_t n = 0;     // The image's number in the batch.
  std::string url;
  ImageState state = ImageState::kPending;
  std::optional<StoredContent> content;  // Set when done.
  std::optional<Failure> failure;        // Set when failed.
  int attempts = 0;
};

struct BadRowView {
  int64_t row = 0;
  int64_t line = 0;
  int64_t byte_offset = 0;
  std::string reason;
};

// A position in (row, place) order to go on reading after.
struct CellCursor {
  int64_t row = 0;
  int32_t place = 0;
};

class JobReader {
 public:
  virtual ~JobReader() = default;

  // `name`: "latest", a whole UUID, or any unique beginning or ending of four
  // or more of its digits (hyphens ignored). kNotFound; kUsage when more than
  // one matches (the message lists them).
  virtual Result<BatchView> FindBatch(std::string_view name) = 0;

  // The newest batch of this identity, or nullopt. `unfinished`: only one of
  // which IsUnfinished() is true. An empty identity means any input.
  virtual Result<std::optional<BatchView>> FindByIdentity(
      std::string_view identity, bool unfinished) = 0;

  // Newest first, at most `limit`, created before `before` (nullopt: all).
  virtual Result<std::vector<BatchView>> ListBatches(
      int limit, std::optional<BatchKey> before) = 0;

  virtual Result<BatchView> ReadBatch(BatchKey batch) = 0;

  // Failed images by code, most frequent first.
  virtual Result<std::vector<FailureCount>> CountFailures(BatchKey batch) = 0;

  // Up to `limit` cells in (row, place) order after the cursor; with
  // `only_failed` those whose image failed.
  virtual Result<std::vector<CellView>> ReadCells(BatchKey batch,
                                                  CellCursor after, int limit,
                                                  bool only_failed) = 0;

  // Up to `limit` malformed rows after `after_row`.
  virtual Result<std::vector<BadRowView>> ReadBadRows(BatchKey batch,
                                                      int64_t after_row,
                                                      int limit) = 0;
};

}  // namespace imgbatch
