// Which images are inside a decoder right now, kept where the death of the
// process cannot erase it: only those are suspect afterwards. Thread-safe for
// different slots.
#pragma once

#include "core/job.h"

namespace imgbatch {

class DecodeJournal {
 public:
  virtual ~DecodeJournal() = default;
  // Worker number `slot` (0-based, below 256) is about to decode the image.
  virtual void Enter(int slot, ImageKey image) = 0;
  virtual void Leave(int slot) = 0;
};

}  // namespace imgbatch
