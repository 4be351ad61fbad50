// The directory in which a batch's images appear.
#pragma once

#include <string>

#include "core/result.h"

namespace imgbatch {

enum class ForeignFiles : uint8_t { kRefuse, kAccept };

// Creates the directory and marks it as that of `input` (its real path).
// kOutput when it cannot be created or written, and, unless foreign files are
// accepted, when it holds files that imgbatch did not make or the images of
// another input, which would be replaced by those of the same names.
Result<void> PrepareImagesDirectory(const std::string& path,
                                    const std::string& input,
                                    ForeignFiles foreign);

}  // namespace imgbatch
