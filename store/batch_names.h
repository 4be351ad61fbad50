// Which batch a person means. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace imgbatch {

// The UUID among `uuids` (newest last) that `name` means: "latest", or a
// beginning or ending of four or more of its digits; hyphens and upper case
// are ignored. kNotFound; kUsage when `name` is too short or several match
// (the message lists them).
Result<std::string> ResolveBatchName(std::string_view name,
                                     const std::vector<std::string>& uuids);

}  // namespace imgbatch
