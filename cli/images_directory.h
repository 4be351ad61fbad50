// The directory in which a batch's images appear.
#pragma once

#include <string>

#include "core/result.h"

namespace imgbatch {

enum class ForeignFiles : uint8_t { kRefuse, kAccept };

// Creates the directory and marks it as ours. kOutput when it cannot be
// created or written, or when it holds files that imgbatch did not make.
Result<void> PrepareImagesDirectory(const std::string& path,
                                    ForeignFiles foreign);

}  // namespace imgbatch
