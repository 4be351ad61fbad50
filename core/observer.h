// Watches a drain, after each commit, on the conductor's thread; must be quick.
#pragma once

#include <string>

#include "core/job.h"

namespace imgbatch {

// What one image came to, in this very turn.
struct ImageEvent {
  int64_t n = 0;
  std::string url;
  Outcome outcome;
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnImage(const ImageEvent&) {}
  // Once per turn; `in_flight` images are claimed.
  virtual void OnTurn(int in_flight) { (void)in_flight; }
};

}  // namespace imgbatch
