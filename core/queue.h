// Hand-over between threads. Bounded by what was claimed, not by itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace imgbatch {

// Any number of producers and consumers. Notifies while holding the mutex: a
// consumer that destroys the queue right after its last Take must not meet a
// producer that is still inside it.
template <typename T>
class Queue {
 public:
  void Push(T item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    ready_.notify_one();
  }

  // Blocks; nullopt once the queue is closed and empty.
  std::optional<T> Take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !items_.empty() || closed_; });
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  // Everything there is, waiting at most `limit` for the first item; may
  // return nothing.
  template <typename Rep, typename Period>
  std::vector<T> TakeAll(std::chrono::duration<Rep, Period> limit) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, limit, [this] { return !items_.empty() || closed_; });
    std::vector<T> all(std::make_move_iterator(items_.begin()),
                       std::make_move_iterator(items_.end()));
    items_.clear();
    return all;
  }

  // Wakes every consumer; what is in the queue can still be taken.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;  // Guarded by mutex_.
  bool closed_ = false;  // Guarded by mutex_.
};

}  // namespace imgbatch
