// Turns what a CSV cell says into the URL that is fetched. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/failure.h"
#include "core/result.h"

namespace imgbatch {

struct Url {
  std::string text;  // Normal form: what is fetched, and what makes it equal.
  std::string host;  // Key of politeness: "name", or "name:port" when the port
                     // is not the scheme's own. Lower case, IDN in punycode.
  std::string name;  // Last path segment, percent-decoded; may be empty.
};

// Trims, turns "&amp;" into "&" and "//host" into "https://host", encodes
// spaces and non-ASCII characters, drops the fragment. Fails with kInvalidUrl
// for other schemes than http and https, user info, control characters, more
// than 8 KiB, or no host.
Result<Url, Failure> ParseUrl(std::string_view raw);

// The target of a redirect: `location` resolved against `base`.
Result<Url, Failure> ResolveUrl(const Url& base, std::string_view location);

// Without query and user info, for logs and messages.
std::string ForDisplay(std::string_view url);

}  // namespace imgbatch
