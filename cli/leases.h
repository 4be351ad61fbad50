// Who may work on a batch and write an output file: one process at a time,
// unless they are asked to join.
#pragma once

#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/signals.h"
#include "core/result.h"
#include "store/locks.h"
#include "store/store_paths.h"

namespace imgbatch {

enum class LeaseState : uint8_t {
  kHeld,    // Ours alone.
  kShared,  // Somebody else's; we were asked to join.
  kSkip,    // Somebody else's; we were asked to leave it.
};

// The locks of a batch and its output file, held until destroyed.
class Lease {
 public:
  // `names`: what must be ours, in this order. kBusy under IfRunning::kFail
  // (and kCancelled when a signal ends the wait under kWait).
  static Result<Lease> Take(const StorePaths& paths,
                            const std::vector<std::string>& names,
                            IfRunning if_running, const Signals& signals);

  LeaseState state() const { return state_; }

 private:
  LeaseState state_ = LeaseState::kHeld;
  std::vector<FileLock> locks_;
};

// Names for Lease::Take.
std::string BatchLockName(const std::string& uuid);
std::string OutputLockName(const std::string& output_path);

}  // namespace imgbatch
