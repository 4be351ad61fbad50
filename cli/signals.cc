#include "cli/signals.h"

#include <utility>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace imgbatch {
namespace {

// Ends the signals' thread; not a signal that anybody sends us.
constexpr int kQuit = SIGURG;

sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, kQuit);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = Watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this] { Run(); });
}

Signals::~Signals() {
  pthread_kill(thread_.native_handle(), kQuit);
  thread_.join();
}

void Signals::OnFirst(std::function<void()> stop) {
  const std::lock_guard lock(mutex_);
  stop_ = std::move(stop);
  if (received_ != 0 && stop_) stop_();
}

bool Signals::WaitFor(Milliseconds limit) {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, limit, [this] { return received_ != 0; });
}

ExitStatus Signals::Status() const {
  return received_ == SIGTERM ? ExitStatus::kTerminated
                              : ExitStatus::kInterrupted;
}

void Signals::Run() {
  const sigset_t set = Watched();
  while (true) {
    int signal_number = 0;
    if (sigwait(&set, &signal_number) != 0) continue;
    if (signal_number == kQuit) return;
    if (received_ != 0) _exit(128 + received_);
    const std::lock_guard lock(mutex_);
    received_ = signal_number;
    came_.notify_all();
    if (stop_) stop_();
  }
}

}  // namespace imgbatch
