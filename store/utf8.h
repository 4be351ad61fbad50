// Which bytes may enter a TEXT column.
#pragma once

#include <string_view>

namespace imgbatch {

// Valid UTF-8 (RFC 3629) without a NUL.
bool IsCleanText(std::string_view bytes);

}  // namespace imgbatch
