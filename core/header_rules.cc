#include "core/header_rules.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace imgbatch {
namespace {

// Ours to say: a rule for one of these would break the transfer.
constexpr std::string_view kReserved[] = {"host",
                                          "content-length",
                                          "transfer-encoding",
                                          "connection",
                                          "te",
                                          "accept-encoding",
                                          "if-none-match",
                                          "if-modified-since",
                                          "user-agent",
                                          "range",
                                          "expect",
                                          "upgrade"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// RFC 9110 section 5.6.2.
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) !=
               std::string_view::npos;
  });
}

bool IsVisible(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool Matches(std::string_view rule, std::string_view host) {
  if (!rule.starts_with("*.")) return rule == host;
  rule.remove_prefix(1);
  return host.size() > rule.size() && host.ends_with(rule);
}

}  // namespace

Result<HeaderRules> HeaderRules::Parse(std::string_view text) {
  HeaderRules parsed;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    const size_t space = line.find_first_of(" \t");
    const std::string_view rest =
        space == std::string_view::npos ? "" : Trim(line.substr(space));
    const size_t colon = rest.find(':');
    const std::string_view name = Trim(rest.substr(0, colon));
    const std::string_view value =
        colon == std::string_view::npos ? "" : Trim(rest.substr(colon + 1));
    if (!IsToken(name) || value.empty() || !IsVisible(value)) {
      return Error{ErrorCode::kUsage,
                   fmt::format("line {}: write HOST NAME: VALUE, such as "
                               "cdn.example X-Token: secret",
                               number)};
    }
    const std::string lower = Lower(name);
    if (std::find(std::begin(kReserved), std::end(kReserved), lower) !=
        std::end(kReserved)) {
      return Error{ErrorCode::kUsage,
                   fmt::format("line {}: the header {} is set by imgbatch "
                               "itself",
                               number, name)};
    }
    parsed.rules_.push_back({Lower(line.substr(0, space)),
                             {std::string(name), std::string(value)}});
  }
  return parsed;
}

std::vector<HttpHeader> HeaderRules::For(std::string_view host) const {
  std::vector<HttpHeader> headers;
  for (const Rule& rule : rules_) {
    if (Matches(rule.host, host)) headers.push_back(rule.header);
  }
  return headers;
}

}  // namespace imgbatch
