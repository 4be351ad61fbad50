// Whether a store keeps its own promises: what the tests ask after every
// violence.
#pragma once

#include <string>
#include <vector>

#include "store/store_paths.h"

namespace imgbatch {

// What is wrong with the store; nothing when all is well: SQLite's integrity
// check, counters that equal a recount, done images with their content's file
// in the pool, cells with images, names that are unique.
std::vector<std::string> FindFaults(const StorePaths& paths);

}  // namespace imgbatch
