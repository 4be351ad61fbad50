// Reads a kept input on a thread of its own and feeds its rows to a conductor.
// A large input that is not kept yet is copied meanwhile, on another thread.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "core/job_reader.h"
#include "core/row_feed.h"
#include "core/settings.h"
#include "store/store_paths.h"

namespace imgbatch {

class RowReader {
 public:
  // Starts behind the rows that the batch has already.
  RowReader(const StorePaths& paths, Settings settings, const BatchView& batch);
  // Stops reading and copying.
  ~RowReader();

  RowFeed& feed() { return feed_; }

 private:
  void Run();
  Result<int64_t> Read();
  Result<int64_t> ReadFrom(const std::string& path);
  Result<int64_t> ReadAndCopy(const std::string& path);

  const StorePaths paths_;
  const Settings settings_;
  const std::string uuid_;
  const int64_t recorded_;
  RowFeed feed_;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

// Size and modification time of a file, for "is it still the same?"; empty
// when it cannot be looked at.
std::string FileStamp(const std::string& path);

}  // namespace imgbatch
