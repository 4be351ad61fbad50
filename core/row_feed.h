// Carries groups of rows from a recording thread to the conductor; bounded.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "core/job.h"
#include "core/result.h"

namespace imgbatch {

struct RowGroup {
  std::vector<RowRecord> rows;
  // The last group: how many rows there are in all, or what ended the reading.
  std::optional<Result<int64_t>> end;
};

class RowFeed {
 public:
  // Recording thread. Blocks while enough groups wait; false: stop reading,
  // nobody listens any more.
  bool Push(RowGroup group);

  // Conductor. `deliver` is called by the recording thread; groups pushed
  // before are delivered at once.
  void Open(std::function<void(RowGroup)> deliver);
  void Taken();  // One group less waits.
  void Close();  // Push returns false from now on.

 private:
  static constexpr int kMaxWaiting = 4;

  std::mutex mutex_;
  std::condition_variable room_;
  std::function<void(RowGroup)> deliver_;  // Guarded by mutex_.
  int waiting_ = 0;                        // Guarded by mutex_.
  bool closed_ = false;                    // Guarded by mutex_.
};

}  // namespace imgbatch
