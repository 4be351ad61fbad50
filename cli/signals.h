// SIGINT and SIGTERM, on a thread of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "cli/exit_status.h"
#include "core/clock.h"

namespace imgbatch {

// Create it before any other thread: it blocks the two signals everywhere.
// The first one calls what OnFirst was given, the second ends the process at
// once, which is safe by construction of the store.
class Signals {
 public:
  Signals();
  ~Signals();

  // Called on the signals' thread; at once when one has come already. An empty
  // function forgets the last.
  void OnFirst(std::function<void()> stop);

  // Waits so long, or until a signal came: then true.
  bool WaitFor(Milliseconds limit);

  // 0, SIGINT or SIGTERM.
  int received() const { return received_; }
  // kInterrupted or kTerminated.
  ExitStatus Status() const;

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable came_;
  std::function<void()> stop_;  // Guarded by mutex_.
  std::atomic<int> received_ = 0;
  std::thread thread_;
};

}  // namespace imgbatch
