// Whether a store is sound: what `doctor` and a resume ask.
#pragma once

#include <string>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "store/store_paths.h"

namespace imgbatch {

struct StoreHealth {
  int schema = 0;
  int64_t database_bytes = 0;
  int64_t log_bytes = 0;
  // What is wrong, in SQLite's words; empty: nothing was found.
  std::vector<std::string> problems;
  // Whether the time sufficed to look at everything.
  bool complete = true;
  // Processes that have the store open for work and live.
  std::vector<int> owners;
};

// SQLite's quick_check, for at most `limit`. Changes nothing. Fails with the
// errors of opening a store.
Result<StoreHealth> CheckStore(const StorePaths& paths, Milliseconds limit);

}  // namespace imgbatch
