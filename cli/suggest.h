// "did you mean": the nearest of some names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace imgbatch {

// The name at an edit distance of at most two from `typed`, or "".
std::string Nearest(std::string_view typed,
                    const std::vector<std::string>& names);

}  // namespace imgbatch
