// Shows a drain on standard error: one line that is drawn again on a terminal,
// a plain line every 30 s elsewhere.
#pragma once

#include <deque>
#include <string>

#include "core/clock.h"
#include "core/job_reader.h"
#include "core/observer.h"

namespace imgbatch {

enum class ProgressStyle : uint8_t { kBar, kPlain, kNone };

// kBar when standard error is a terminal that can redraw a line.
ProgressStyle DetectProgressStyle(bool quiet);

// What the line is made of. Rates are per second, over the last seconds.
struct ProgressNumbers {
  Tally tally;
  bool sealed = true;  // Otherwise the total still grows.
  double images_rate = 0;
  double bytes_rate = 0;
};

// One line of at most `width` characters, without line end. Pure.
std::string ProgressLine(const ProgressNumbers& numbers, int width, bool bar);

class Progress final : public Observer {
 public:
  // Both are borrowed.
  Progress(JobReader& reader, const Clock& clock, BatchKey batch,
           ProgressStyle style);
  // Clears the line that was drawn.
  ~Progress() override;

  void OnTurn(int in_flight) override;

 private:
  struct Sample {
    Milliseconds at{0};
    int64_t images = 0;
    int64_t bytes = 0;
  };

  JobReader& reader_;
  const Clock& clock_;
  const BatchKey batch_;
  const ProgressStyle style_;
  std::deque<Sample> samples_;
  Milliseconds shown_at_{0};
  bool drawn_ = false;
};

}  // namespace imgbatch
