#include "cli/leases.h"

#include <fmt/format.h>

namespace imgbatch {
namespace {

constexpr Milliseconds kLook{200};  // Between looks at the signals.

}  // namespace

Result<Lease> Lease::Take(const StorePaths& paths,
                          const std::vector<std::string>& names,
                          IfRunning if_running, const Signals& signals) {
  Lease lease;
  for (const std::string& name : names) {
    const std::string path = paths.NamedLock(name);
    auto lock = FileLock::Try(path, LockMode::kExclusive);
    while (!lock && lock.error().code == ErrorCode::kBusy &&
           if_running == IfRunning::kWait) {
      if (signals.received() != 0) {
        return Error{ErrorCode::kCancelled, "interrupted while waiting"};
      }
      lock = FileLock::Wait(path, LockMode::kExclusive, kLook);
    }
    if (lock) {
      lease.locks_.push_back(*std::move(lock));
      continue;
    }
    if (lock.error().code != ErrorCode::kBusy) return lock.error();
    if (if_running == IfRunning::kFail) {
      const int holder = FileLock::Holder(path);
      return Error{
          ErrorCode::kBusy,
          fmt::format("another process{} works on {}; wait for it, or type "
                      "--if-running wait, skip or join",
                      holder > 0 ? fmt::format(" ({})", holder) : "", name)};
    }
    lease.locks_.clear();
    lease.state_ = if_running == IfRunning::kSkip ? LeaseState::kSkip
                                                  : LeaseState::kShared;
    return lease;
  }
  return lease;
}

std::string BatchLockName(const std::string& uuid) { return "batch " + uuid; }
std::string OutputLockName(const std::string& output_path) {
  return "output " + output_path;
}

}  // namespace imgbatch
