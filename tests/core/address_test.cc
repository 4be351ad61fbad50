#include "core/address.h"

#include <string>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

bool Allowed(const std::string& text, const NetworkPolicy& policy) {
  const auto address = ParseIpAddress(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address && IsAllowed(*address, policy);
}

NetworkPolicy PublicOnly() {
  NetworkPolicy policy;
  policy.public_only = true;
  return policy;
}

// First and last address of every special-purpose range.
constexpr const char* kSpecialV4[] = {
    "0.0.0.0",         "0.255.255.255",   "10.0.0.0",       "10.255.255.255",
    "100.64.0.0",      "100.127.255.255", "127.0.0.0",      "127.255.255.255",
    "169.254.0.0",     "169.254.255.255", "172.16.0.0",     "172.31.255.255",
    "192.0.0.0",       "192.0.0.255",     "192.0.2.0",      "192.0.2.255",
    "192.31.196.0",    "192.31.196.255",  "192.52.193.0",   "192.52.193.255",
    "192.88.99.0",     "192.88.99.255",   "192.168.0.0",    "192.168.255.255",
    "192.175.48.0",    "192.175.48.255",  "198.18.0.0",     "198.19.255.255",
    "198.51.100.0",    "198.51.100.255",  "203.0.113.0",    "203.0.113.255",
    "224.0.0.0",       "239.255.255.255", "240.0.0.0",      "255.255.255.255",
    "169.254.169.254", "168.63.129.16",   "100.100.100.200"};

// The neighbours of those ranges, and places where web sites are.
constexpr const char* kPublicV4[] = {
    "1.0.0.0",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
    "100.128.0.0",     "126.255.255.255", "128.0.0.0",       "169.253.255.255",
    "169.255.0.0",     "172.15.255.255",  "172.32.0.0",      "191.255.255.255",
    "192.0.1.0",       "192.0.3.0",       "192.31.195.255",  "192.31.197.0",
    "192.52.192.255",  "192.52.194.0",    "192.88.98.255",   "192.88.100.0",
    "192.167.255.255", "192.169.0.0",     "192.175.47.255",  "192.175.49.0",
    "198.17.255.255",  "198.20.0.0",      "198.51.99.255",   "198.51.101.0",
    "203.0.112.255",   "203.0.114.0",     "223.255.255.255", "8.8.8.8",
    "93.184.216.34",   "168.63.129.17",   "151.101.1.1"};

std::string Hex(const std::string& v4, const char* format) {
  const auto b = ParseIpAddress(v4)->bytes;
  char text[64];
  std::snprintf(text, sizeof text, format, b[0], b[1], b[2], b[3]);
  return text;
}

// IPv6 forms through which packets reach an IPv4 address.
std::vector<std::string> Embeddings(const std::string& v4) {
  const auto b = ParseIpAddress(v4)->bytes;
  IpAddress teredo = *ParseIpAddress("2001:0:808:808::");
  for (size_t i = 0; i < 4; ++i) {
    teredo.bytes[12 + i] = static_cast<uint8_t>(b[i] ^ 0xff);
  }
  return {
      Hex(v4, "::ffff:%02x%02x:%02x%02x"),
      Hex(v4, "::%02x%02x:%02x%02x"),
      Hex(v4, "::ffff:0:%02x%02x:%02x%02x"),
      Hex(v4, "64:ff9b::%02x%02x:%02x%02x"),
      Hex(v4, "64:ff9b:1::%02x%02x:%02x%02x"),
      Hex(v4, "64:ff9b:1:%02x%02x:%02x:%02x00::"),
      Hex(v4, "2002:%02x%02x:%02x%02x::1"),
      Hex(v4, "2001:0:%02x%02x:%02x%02x::"),
      ToText(teredo),
      Hex(v4, "2606:4700::5efe:%02x%02x:%02x%02x"),
      Hex(v4, "2606:4700::200:5efe:%02x%02x:%02x%02x"),
  };
}

TEST(Address, PublicOnlyRefusesEverySpecialRange) {
  for (const char* text : kSpecialV4) {
    EXPECT_FALSE(Allowed(text, PublicOnly())) << text;
  }
  for (const char* text :
       {"::", "::1", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1",
        "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:2::1",
        "2001:20::1", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002::1", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8000::1",
        "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "5f00::1",
        "fc00::", "fd12:3456::1", "fdff:ffff::", "fe80::1", "febf::1",
        "fec0::1", "feff::1", "ff00::", "ff02::1", "ffff::", "fd00:ec2::254",
        // Never given out by IANA.
        "200::1", "1000::1", "4000::1", "8000::1", "e000::1"}) {
    EXPECT_FALSE(Allowed(text, PublicOnly())) << text;
  }
}

TEST(Address, PublicOnlyAllowsPublicAddresses) {
  for (const char* text : kPublicV4) {
    EXPECT_TRUE(Allowed(text, PublicOnly())) << text;
    EXPECT_TRUE(Allowed(std::string("::ffff:") + text, PublicOnly())) << text;
    // A network without IPv4 of its own reaches public hosts like this.
    EXPECT_TRUE(Allowed(std::string("64:ff9b::") + text, PublicOnly())) << text;
  }
  for (const char* text : {"2606:2800:220:1::1", "2a00:1450::200e", "2000::1",
                           "2001:200::1", "2001:4860:4860::8888", "2003::1",
                           "3ffe::1", "2400:cb00::1", "2620:4f:8001::1"}) {
    EXPECT_TRUE(Allowed(text, PublicOnly())) << text;
  }
}

TEST(Address, PublicOnlyRefusesEmbeddedSpecialAddresses) {
  for (const char* v4 : kSpecialV4) {
    for (const std::string& v6 : Embeddings(v4)) {
      EXPECT_FALSE(Allowed(v6, PublicOnly())) << v4 << " as " << v6;
    }
  }
}

TEST(Address, DefaultRefusesLinkLocalAndMetadataOnly) {
  const NetworkPolicy open;
  for (const char* text : {"169.254.0.1", "169.254.169.254", "169.254.170.2",
                           "100.100.100.200", "168.63.129.16", "192.0.0.192",
                           "fe80::1", "fd00:ec2::254", "fd20:ce::254"}) {
    EXPECT_FALSE(Allowed(text, open)) << text;
  }
  for (const std::string& v6 : Embeddings("169.254.169.254")) {
    EXPECT_FALSE(Allowed(v6, open)) << v6;
  }
  for (const char* text : {"127.0.0.1", "10.1.2.3", "192.168.1.1", "::1",
                           "fd12::1", "100.64.0.1", "8.8.8.8"}) {
    EXPECT_TRUE(Allowed(text, open)) << text;
  }
}

TEST(Address, AllowNetWinsOverBoth) {
  NetworkPolicy policy = PublicOnly();
  policy.allowed = {*ParseCidr("10.1.0.0/16"), *ParseCidr("169.254.169.254"),
                    *ParseCidr("fd12::/16")};
  EXPECT_TRUE(Allowed("10.1.2.3", policy));
  EXPECT_TRUE(Allowed("::ffff:10.1.2.3", policy));
  EXPECT_FALSE(Allowed("10.2.2.3", policy));
  EXPECT_TRUE(Allowed("169.254.169.254", policy));
  EXPECT_FALSE(Allowed("169.254.169.253", policy));
  EXPECT_TRUE(Allowed("fd12::1", policy));
  EXPECT_FALSE(Allowed("fd13::1", policy));
}

TEST(Address, OpeningATunnelDoesNotOpenWhatItLeadsTo) {
  NetworkPolicy policy = PublicOnly();
  policy.allowed = {*ParseCidr("2002::/16")};
  EXPECT_TRUE(Allowed("2002:808:808::1", policy));
  EXPECT_FALSE(Allowed("2002:a9fe:a9fe::1", policy));
  policy.allowed.push_back(*ParseCidr("169.254.0.0/16"));
  EXPECT_TRUE(Allowed("2002:a9fe:a9fe::1", policy));
}

TEST(Address, ReadsAndWritesCidr) {
  const std::pair<const char*, const char*> good[] = {
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"10.1.2.3/8", "10.0.0.0/8"},
      {"10.1.2.3", "10.1.2.3/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"2001:DB8::/32", "2001:db8::/32"},
      {"::1", "::1/128"},
      {"2001:db8::ff/121", "2001:db8::80/121"},
  };
  for (const auto& [text, canonical] : good) {
    const auto cidr = ParseCidr(text);
    ASSERT_TRUE(cidr.has_value()) << text;
    EXPECT_EQ(ToText(*cidr), canonical);
  }
  for (const char* text :
       {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
        "10.0.0/8", "::/129", "example.com/8", "10.0.0.0/8/8", "1.2.3.4 "}) {
    EXPECT_FALSE(ParseCidr(text).has_value()) << text;
  }
}

TEST(Address, ReadsOnlyTheUsualSpellings) {
  for (const char* text : {"0x7f.1", "127.1", "2130706433", "0177.0.0.1",
                           "127.0.0.1.", "fe80::1%eth0", "[::1]", "a"}) {
    EXPECT_FALSE(ParseIpAddress(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseIpAddress(std::string_view("1.2.3.4\0x", 9)).has_value());
}

}  // namespace
}  // namespace imgbatch
