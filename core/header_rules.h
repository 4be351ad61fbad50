// Headers that some hosts want (the token of a CDN), from a file. Secrets: they
// are in no store, no log and no message, and go to no other host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/http_client.h"
#include "core/result.h"

namespace imgbatch {

class HeaderRules {
 public:
  // One rule a line: HOST NAME: VALUE. HOST is a host as in URLs, with its
  // port when it is not the scheme's own, or *.DOMAIN for every host below a
  // domain. Empty lines and lines that begin with # say nothing. kUsage names
  // the line (and never shows its value).
  static Result<HeaderRules> Parse(std::string_view text);

  // What to send to a host ("name" or "name:port").
  std::vector<HttpHeader> For(std::string_view host) const;

  bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    std::string host;  // Lower case; "*.example.com" matches what is below.
    HttpHeader header;
  };
  std::vector<Rule> rules_;
};

}  // namespace imgbatch
