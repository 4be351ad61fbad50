// The durable copy of a batch's input beside the store: what makes the output
// exact and lets a batch go on after its file, its pipe or its upload is gone.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/result.h"
#include "store/store_paths.h"

namespace imgbatch {

struct KeptInput {
  std::string relative;  // To the files folder: NewBatch::kept_input.
  std::string path;      // The same, as a path to open.
  uint64_t bytes = 0;
};

// Where the copy of a batch's input is, or will be.
KeptInput KeptInputOf(const StorePaths& paths, const std::string& uuid);

// Copies the file at `source`. kInput when it is missing, cannot be read, is
// not a regular file, or changes meanwhile; kNoSpace, kIo; kCancelled soon
// after `stop` (borrowed; may be null) became true.
Result<KeptInput> KeepFile(const StorePaths& paths, const std::string& uuid,
                           const std::string& source,
                           const std::atomic<bool>* stop = nullptr);

// Copies what a descriptor (standard input, an upload) yields until its end.
// kTooLarge above `max_bytes`.
Result<KeptInput> KeepStream(const StorePaths& paths, const std::string& uuid,
                             int descriptor, uint64_t max_bytes = UINT64_MAX);

}  // namespace imgbatch
