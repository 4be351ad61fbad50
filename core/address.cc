#include "core/address.h"

#include <charconv>
#include <cstddef>

#include <arpa/inet.h>

namespace imgbatch {
namespace {

enum class Range : uint8_t {
  kSpecial,  // Refused when only public addresses may be reached.
  kNever,    // Link-local and metadata: refused in every profile.
};

struct Row {
  const char* cidr;
  Range range;
};

// IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its
// updates, as of 2025-10), including those marked globally reachable, since no
// web site lives there; multicast (RFC 5771, RFC 4291); and the metadata
// services of clouds, which the providers' documentation names.
constexpr Row kTable[] = {
    {"0.0.0.0/8", Range::kSpecial},          // This network, RFC 791.
    {"10.0.0.0/8", Range::kSpecial},         // Private, RFC 1918.
    {"100.64.0.0/10", Range::kSpecial},      // Carrier NAT, RFC 6598.
    {"100.100.100.200/32", Range::kNever},   // Alibaba Cloud metadata.
    {"127.0.0.0/8", Range::kSpecial},        // Loopback, RFC 1122.
    {"168.63.129.16/32", Range::kNever},     // Azure WireServer.
    {"169.254.0.0/16", Range::kNever},       // Link-local, RFC 3927; metadata.
    {"172.16.0.0/12", Range::kSpecial},      // Private, RFC 1918.
    {"192.0.0.0/24", Range::kSpecial},       // IETF protocols, RFC 6890.
    {"192.0.0.192/32", Range::kNever},       // Oracle Cloud metadata, classic.
    {"192.0.2.0/24", Range::kSpecial},       // TEST-NET-1, RFC 5737.
    {"192.31.196.0/24", Range::kSpecial},    // AS112, RFC 7535.
    {"192.52.193.0/24", Range::kSpecial},    // AMT, RFC 7450.
    {"192.88.99.0/24", Range::kSpecial},     // 6to4 relays, RFC 7526.
    {"192.168.0.0/16", Range::kSpecial},     // Private, RFC 1918.
    {"192.175.48.0/24", Range::kSpecial},    // AS112, RFC 7534.
    {"198.18.0.0/15", Range::kSpecial},      // Benchmarks, RFC 2544.
    {"198.51.100.0/24", Range::kSpecial},    // TEST-NET-2, RFC 5737.
    {"203.0.113.0/24", Range::kSpecial},     // TEST-NET-3, RFC 5737.
    {"224.0.0.0/4", Range::kSpecial},        // Multicast, RFC 5771.
    {"240.0.0.0/4", Range::kSpecial},        // Reserved, broadcast, RFC 1112.
    {"::/96", Range::kSpecial},              // Unspecified, loopback, IPv4-
                                             // compatible, RFC 4291.
    {"::ffff:0:0:0/96", Range::kSpecial},    // IPv4-translated, RFC 2765.
    {"64:ff9b:1::/48", Range::kSpecial},     // Local NAT64, RFC 8215.
    {"100::/64", Range::kSpecial},           // Discard, RFC 6666.
    {"100:0:0:1::/64", Range::kSpecial},     // Dummy prefix, RFC 9780.
    {"2001::/23", Range::kSpecial},          // IETF protocols, Teredo, ORCHID,
                                             // benchmarks, DETs, RFC 2928.
    {"2001:db8::/32", Range::kSpecial},      // Documentation, RFC 3849.
    {"2002::/16", Range::kSpecial},          // 6to4, RFC 3056, RFC 7526.
    {"2620:4f:8000::/48", Range::kSpecial},  // AS112, RFC 7534.
    {"3fff::/20", Range::kSpecial},          // Documentation, RFC 9637.
    {"5f00::/16", Range::kSpecial},          // SRv6 SIDs, RFC 9602.
    {"fc00::/7", Range::kSpecial},           // Unique local, RFC 4193.
    {"fd00:ec2::/32", Range::kNever},        // AWS metadata, IPv6.
    {"fd20:ce::/64", Range::kNever},         // Google Cloud metadata, IPv6.
    {"fe80::/10", Range::kNever},            // Link-local, RFC 4291.
    {"fec0::/10", Range::kSpecial},          // Site-local, RFC 3879.
    {"ff00::/8", Range::kSpecial},           // Multicast, RFC 4291.
};

struct Special {
  Cidr cidr;
  Range range;
};

const std::vector<Special>& SpecialRanges() {
  static const std::vector<Special> ranges = [] {
    std::vector<Special> parsed;
    for (const Row& row : kTable) {
      const std::optional<Cidr> cidr = ParseCidr(row.cidr);
      if (cidr) parsed.push_back({*cidr, row.range});
    }
    return parsed;
  }();
  return ranges;
}

bool Contains(const Cidr& cidr, const IpAddress& address) {
  if (cidr.base.is_v6 != address.is_v6) return false;
  const auto whole = static_cast<size_t>(cidr.prefix) / 8;
  for (size_t i = 0; i < whole; ++i) {
    if (cidr.base.bytes[i] != address.bytes[i]) return false;
  }
  const int rest = cidr.prefix % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest) & 0xff;
  return ((cidr.base.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

bool InAny(const std::vector<Cidr>& cidrs, const IpAddress& address) {
  for (const Cidr& cidr : cidrs) {
    if (Contains(cidr, address)) return true;
  }
  return false;
}

bool Within(const char* cidr, const IpAddress& address) {
  const std::optional<Cidr> parsed = ParseCidr(cidr);
  return parsed && Contains(*parsed, address);
}

IpAddress V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  IpAddress address;
  address.bytes = {a, b, c, d};
  return address;
}

bool IsMapped(const IpAddress& address) {
  return address.is_v6 && Within("::ffff:0:0/96", address);
}

// The IPv4 addresses that packets to an IPv6 address may end up at.
std::vector<IpAddress> Embedded(const IpAddress& address) {
  const auto& b = address.bytes;
  const IpAddress last = V4(b[12], b[13], b[14], b[15]);
  std::vector<IpAddress> found;
  if (Within("::/96", address) || Within("::ffff:0:0:0/96", address) ||
      Within("64:ff9b::/96", address)) {
    found.push_back(last);
  }
  if (Within("64:ff9b:1::/48", address)) {
    // RFC 6052 section 2.2: a prefix of 48, 56, 64 or 96 bits.
    found.push_back(V4(b[6], b[7], b[9], b[10]));
    found.push_back(V4(b[7], b[9], b[10], b[11]));
    found.push_back(V4(b[9], b[10], b[11], b[12]));
    found.push_back(last);
  }
  if (Within("2002::/16", address)) {  // 6to4, RFC 3056.
    found.push_back(V4(b[2], b[3], b[4], b[5]));
  }
  if (Within("2001::/32", address)) {  // Teredo, RFC 4380: server and client.
    const auto flip = [](uint8_t byte) -> uint8_t { return byte ^ 0xff; };
    found.push_back(V4(b[4], b[5], b[6], b[7]));
    found.push_back(V4(flip(b[12]), flip(b[13]), flip(b[14]), flip(b[15])));
  }
  // ISATAP, RFC 5214: interface identifier 0000:5efe or 0200:5efe.
  if ((b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe) {
    found.push_back(last);
  }
  return found;
}

// One address on its own, without what it embeds.
bool IsAllowedItself(const IpAddress& address, const NetworkPolicy& policy) {
  if (InAny(policy.allowed, address)) return true;
  for (const Special& special : SpecialRanges()) {
    if (special.range == Range::kSpecial && !policy.public_only) continue;
    if (Contains(special.cidr, address)) return false;
  }
  // IANA has given out 2000::/3 for global unicast, and nothing else; 64:ff9b
  // is how a network without IPv4 reaches public IPv4 hosts (RFC 6052).
  return !policy.public_only || !address.is_v6 || Within("2000::/3", address) ||
         Within("64:ff9b::/96", address);
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  const std::string copy(text);
  // inet_pton would stop at a NUL and accept what stands before it.
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  address.is_v6 = true;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  return std::nullopt;
}

std::string ToText(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(),
            text.data(), static_cast<socklen_t>(text.size()));
  return text.data();
}

std::optional<Cidr> ParseCidr(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> base = ParseIpAddress(text.substr(0, slash));
  if (!base) return std::nullopt;
  const int most = base->is_v6 ? 128 : 32;
  Cidr cidr{*base, most};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, cidr.prefix);
    if (error != std::errc() || stop != end || digits.front() == '-' ||
        cidr.prefix > most) {
      return std::nullopt;
    }
  }
  for (int bit = cidr.prefix; bit < most; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    cidr.base.bytes[static_cast<size_t>(bit) / 8] &=
        static_cast<uint8_t>(~mask);
  }
  return cidr;
}

std::string ToText(const Cidr& cidr) {
  return ToText(cidr.base) + "/" + std::to_string(cidr.prefix);
}

bool IsAllowed(const IpAddress& address, const NetworkPolicy& policy) {
  if (!address.is_v6) return IsAllowedItself(address, policy);
  if (IsMapped(address)) {  // The kernel connects to the IPv4 address.
    const auto& b = address.bytes;
    return InAny(policy.allowed, address) ||
           IsAllowedItself(V4(b[12], b[13], b[14], b[15]), policy);
  }
  if (!IsAllowedItself(address, policy)) return false;
  for (const IpAddress& inner : Embedded(address)) {
    if (!IsAllowedItself(inner, policy)) return false;
  }
  return true;
}

}  // namespace imgbatch
