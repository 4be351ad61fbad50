// The exit statuses. Part of the interface: never renumber.
#pragma once

#include "core/result.h"

namespace imgbatch {

enum class ExitStatus : int {
  kOk = 0,             // All done, or nothing to do.
  kInternal = 1,       // A bug of ours.
  kUsage = 2,          // The command line cannot be meant like this.
  kSomeFailed = 3,     // Finished; some images failed.
  kInput = 4,          // The input CSV cannot be used.
  kAllFailed = 5,      // Finished; every image failed.
  kStore = 6,          // The store cannot be used.
  kUnfinished = 7,     // Stopped early on purpose; resume goes on.
  kOutput = 8,         // The output could not be written.
  kRefused = 9,        // Credentials were refused.
  kNotFound = 10,      // No such batch.
  kLocked = 11,        // Another process works on it.
  kInterrupted = 130,  // SIGINT; resume goes on.
  kTerminated = 143,   // SIGTERM; resume goes on.
};

// "ok", "usage", "some_failed" …, as in the last event of `run --json`.
const char* Name(ExitStatus status);

// What an error ends as when nothing more specific is known.
ExitStatus StatusOf(const Error& error);

}  // namespace imgbatch
