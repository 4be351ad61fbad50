// Removes what processes that were killed left beside the store.
#pragma once

#include "store/database.h"

namespace imgbatch {

// Files of owners that are gone, and kept inputs without a batch: their process
// died before it came to record one. Inputs are looked at only while no owner
// but `self` is left, since somebody else's batch may be about to be recorded.
// Failures are no errors: the next to open the store tries again.
void SweepFiles(Database& database, int64_t self);

}  // namespace imgbatch
