// Which network addresses may be reached. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imgbatch {

struct IpAddress {
  // IPv4 uses the first four bytes; network order.
  std::array<uint8_t, 16> bytes{};
  bool is_v6 = false;
};

// "192.0.2.7", "2001:db8::1". Textual forms of inet_pton only.
std::optional<IpAddress> ParseIpAddress(std::string_view text);
std::string ToText(const IpAddress& address);

struct Cidr {
  IpAddress base;
  int prefix = 0;  // Bits.
};
std::optional<Cidr> ParseCidr(std::string_view text);
std::string ToText(const Cidr& cidr);

// A batch's own, stored with it.
struct NetworkPolicy {
  // False (`run`): refuse link-local and cloud metadata addresses only.
  // True (`--public-only`, `serve`): refuse every special-purpose range.
  bool public_only = false;
  // `--allow-net`: wins over both.
  std::vector<Cidr> allowed;
};

// Judges the resolved address of a connection. IPv6 forms that embed an IPv4
// address (mapped, compatible, 6to4, NAT64, Teredo, ISATAP) are judged by both.
bool IsAllowed(const IpAddress& address, const NetworkPolicy& policy);

}  // namespace imgbatch
