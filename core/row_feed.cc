#include "core/row_feed.h"

#include <utility>

namespace imgbatch {

bool RowFeed::Push(RowGroup group) {
  std::unique_lock lock(mutex_);
  room_.wait(
      lock, [this] { return closed_ || (deliver_ && waiting_ < kMaxWaiting); });
  if (closed_) return false;
  ++waiting_;
  deliver_(std::move(group));
  return true;
}

void RowFeed::Open(std::function<void(RowGroup)> deliver) {
  const std::lock_guard lock(mutex_);
  deliver_ = std::move(deliver);
  room_.notify_all();
}

void RowFeed::Taken() {
  const std::lock_guard lock(mutex_);
  --waiting_;
  room_.notify_all();
}

void RowFeed::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  room_.notify_all();
}

}  // namespace imgbatch
