// The events of `run --json`: one JSON object a line on standard output.
#pragma once

#include <string_view>

#include "cli/batch_json.h"
#include "cli/exit_status.h"
#include "core/clock.h"
#include "core/observer.h"

namespace imgbatch {

// Writes {"type":…,"ts":…, …rest} and flushes.
void PrintEvent(std::string_view type, const Clock& clock, const Json& rest);

// `image` for each image that ended or will be tried again, `progress` once a
// second.
class EventPrinter final : public Observer {
 public:
  // All borrowed.
  EventPrinter(JobReader& reader, const Clock& clock, const BatchView& batch);

  void OnImage(const ImageEvent& event) override;
  void OnTurn(int in_flight) override;

 private:
  JobReader& reader_;
  const Clock& clock_;
  const BatchKey batch_;
  const std::string uuid_;
  Milliseconds printed_at_;
};

}  // namespace imgbatch
