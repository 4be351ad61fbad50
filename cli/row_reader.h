// Reads a kept input on a thread of its own and feeds its rows to a conductor.
#pragma once

#include <string>
#include <thread>

#include "core/job_reader.h"
#include "core/row_feed.h"
#include "core/settings.h"

namespace imgbatch {

class RowReader {
 public:
  // Starts behind the rows that the batch has already.
  RowReader(std::string kept_input, Settings settings, const BatchView& batch);
  // Stops reading.
  ~RowReader();

  RowFeed& feed() { return feed_; }

 private:
  void Run();
  Result<int64_t> Read();

  const std::string kept_input_;
  const Settings settings_;
  const std::string uuid_;
  const int64_t recorded_;
  RowFeed feed_;
  std::thread thread_;
};

}  // namespace imgbatch
