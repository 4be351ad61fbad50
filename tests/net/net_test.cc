// The address guard and the name look-ups, end to end: in a network namespace
// of its own every address in the world leads to this process, so that
// "public" hosts exist and a packet to a forbidden address would be seen.
//
// The program starts itself again inside `unshare -Urnm`; where that is not
// permitted its tests are skipped, with the reason.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/curl_client.h"
#include "core/fetch.h"
#include "core/url.h"
#include "tests/support/dns_server.h"
#include "tests/support/fetching.h"
#include "tests/support/origin.h"

namespace imgbatch {
namespace {

using testing::DnsServer;
using testing::Fetch;
using testing::Origin;
using testing::SendTo;
using testing::Summary;
using Steady = std::chrono::steady_clock;

constexpr const char* kInside = "IMGBATCH_NET_TEST_INSIDE";
std::string skip_reason;

// --- The world inside. ------------------------------------------------------

bool Shell(const char* command) { return std::system(command) == 0; }

// Empty, or why there is no such world.
std::string MakeWorld() {
  if (!Shell("ip link set lo up && ip route add local 0.0.0.0/0 dev lo && "
             "ip -6 route add local ::/0 dev lo")) {
    return "the ip command cannot set up the loopback device";
  }
  std::string file =
      std::filesystem::temp_directory_path() / "imgbatch-resolv-XXXXXX";
  close(mkstemp(file.data()));
  std::ofstream(file) << "nameserver 127.0.0.53\n"
                         "options timeout:3 attempts:1\n";
  const int mounted =
      mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr);
  unlink(file.c_str());
  if (mounted != 0) return "/etc/resolv.conf cannot be mounted over";
  return "";
}

class NetTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!skip_reason.empty()) return;
    dns_ = std::make_unique<DnsServer>("127.0.0.53");
    // Both families, every address.
    testing::OriginOptions options;
    options.address = "::";
    options.port = 80;
    origin_ = std::make_unique<Origin>(options);
  }
  static void TearDownTestSuite() {
    origin_.reset();
    dns_.reset();
  }
  void SetUp() override {
    if (!skip_reason.empty()) GTEST_SKIP() << skip_reason;
    settings_.network.public_only = true;
    settings_.timeout = Milliseconds(3000);
    settings_.connect_timeout = Milliseconds(2000);
  }

  // As the engine does it: normal form, request, redirects, each judged.
  std::string Get(HttpClient& client, const std::string& raw) {
    auto url = ParseUrl(raw);
    if (!url) return std::string(Name(url.error().code));
    for (int hops = 0; hops <= kMaxRedirects; ++hops) {
      HttpAnswer answer =
          Fetch(client, RequestFor(url->text, settings_, nullptr));
      const auto* response = std::get_if<HttpResponse>(&answer);
      if (response == nullptr) return Summary(answer);
      const Verdict verdict = Judge(*response, false, 0);
      const auto* redirect = std::get_if<Redirect>(&verdict);
      if (redirect == nullptr) return Summary(answer);
      url = ResolveUrl(*url, redirect->location);
      if (!url) return std::string(Name(url.error().code));
    }
    return "too_many_redirects";
  }
  std::string Get(const std::string& raw) { return Get(client_, raw); }

  static std::unique_ptr<DnsServer> dns_;
  static std::unique_ptr<Origin> origin_;
  Settings settings_;
  CurlClient client_;
};

std::unique_ptr<DnsServer> NetTest::dns_;
std::unique_ptr<Origin> NetTest::origin_;

// --- Spellings. -------------------------------------------------------------

// One address or more of each special-purpose range, and metadata services.
constexpr const char* kForbidden[] = {
    "0.0.0.0",         "0.1.2.3",         "10.0.0.1",        "10.255.255.254",
    "100.64.0.1",      "100.127.255.254", "127.0.0.1",       "127.0.0.53",
    "127.255.255.254", "169.254.0.1",     "169.254.169.254", "172.16.0.1",
    "172.31.255.254",  "192.0.0.1",       "192.0.0.192",     "192.0.2.1",
    "192.31.196.1",    "192.52.193.1",    "192.88.99.1",     "192.168.0.1",
    "192.168.255.254", "192.175.48.1",    "198.18.0.1",      "198.19.255.254",
    "198.51.100.1",    "203.0.113.1",     "224.0.0.1",       "239.255.255.250",
    "240.0.0.1",       "255.255.255.255", "168.63.129.16",   "100.100.100.200",
};

constexpr const char* kForbiddenV6[] = {
    "::",
    "::1",
    "::2",
    "100::1",
    "100:0:0:1::1",
    "64:ff9b:1::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
    "1000::1",
};

constexpr const char* kPublic[] = {
    "93.184.216.34", "8.8.8.8",      "1.1.1.1",     "9.255.255.255",
    "11.0.0.1",      "100.63.255.1", "100.128.0.1", "126.255.255.1",
    "128.0.0.1",     "169.253.0.1",  "169.255.0.1", "172.15.0.1",
    "172.32.0.1",    "192.0.1.1",    "192.167.0.1", "192.169.0.1",
    "198.17.0.1",    "198.20.0.1",   "203.0.112.1", "203.0.114.1",
    "223.255.255.1", "151.101.1.1",
};

constexpr const char* kPublicV6[] = {
    "2606:2800::1", "2a00:1450::200e", "2001:4860:4860::8888",
    "2400:cb00::1", "2001:200::1",     "2003::1",
};

std::string WideDigits(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '.') {
      out += "\xe3\x80\x82";  // Ideographic full stop.
    } else {
      out += "\xef\xbc";
      out += static_cast<char>(0x90 + (c - '0'));
    }
  }
  return out;
}

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += fmt::format("%{:02x}", c);
  return out;
}

std::string HexOf(const std::string& v6) {
  std::string out;
  const std::optional<IpAddress> address = ParseIpAddress(v6);
  for (const uint8_t byte : address->bytes) {
    out += fmt::format("{:02x}", byte);
  }
  return out;
}

// Every way to write an IPv4 address as the host of a URL, names that resolve
// to it and IPv6 forms that embed it included.
std::vector<std::string> Spellings(const std::string& v4) {
  const auto bytes = ParseIpAddress(v4)->bytes;
  const unsigned a = bytes[0], b = bytes[1], c = bytes[2], d = bytes[3];
  const unsigned all = a << 24 | b << 16 | c << 8 | d;
  const unsigned low = b << 16 | c << 8 | d;
  const std::string hex = fmt::format("{:08x}", all);
  const std::string high16 = hex.substr(0, 4), low16 = hex.substr(4);
  const std::string flipped = fmt::format("{:08x}", ~all);
  return {
      v4,
      v4 + ".",
      fmt::format("{}", all),
      fmt::format("{:#x}", all),
      fmt::format("0X{:X}", all),
      fmt::format("0{:o}", all),
      fmt::format("00000{:o}", all),
      fmt::format("{}.{}", a, low),
      fmt::format("{}.{}.{}", a, b, c << 8 | d),
      fmt::format("{:#x}.{:#x}.{:#x}.{:#x}", a, b, c, d),
      fmt::format("0{:o}.0{:o}.0{:o}.0{:o}", a, b, c, d),
      fmt::format("000{:o}.000{:o}.{}.{:#x}", a, b, c, d),
      fmt::format("{:#x}.{}", a, low),
      WideDigits(v4),
      Escaped(v4),
      fmt::format("[::ffff:{}]", v4),
      fmt::format("[::ffff:{}:{}]", high16, low16),
      fmt::format("[0:0:0:0:0:FFFF:{}:{}]", high16, low16),
      fmt::format("[::{}]", v4),
      fmt::format("[::{}:{}]", high16, low16),
      fmt::format("[::ffff:0:{}:{}]", high16, low16),
      fmt::format("[64:ff9b::{}]", v4),
      fmt::format("[64:ff9b:1::{}]", v4),
      fmt::format("[2002:{}:{}::1]", high16, low16),
      fmt::format("[2001:0:{}:{}::1]", high16, low16),
      fmt::format("[2001:0:808:808:0:0:{}:{}]", flipped.substr(0, 4),
                  flipped.substr(4)),
      fmt::format("[2606:4700::5efe:{}:{}]", high16, low16),
      fmt::format("[2606:4700::200:5efe:{}:{}]", high16, low16),
      fmt::format("a-{}.test", hex),
      fmt::format("A-{}.TEST.", hex),
      fmt::format("aaaa-00000000000000000000ffff{}.test", hex),
      fmt::format("aaaa-0064ff9b0000000000000000{}.test", hex),
      fmt::format("a-{}-{}.test", hex, hex),
      "user@" + v4,
      "93.184.216.34@" + v4,
      "93.184.216.34\\@" + v4,
  };
}

// What may happen to a forbidden URL: never an answer.
bool IsRefused(const std::string& summary) {
  return summary == "blocked_address" || summary == "invalid_url" ||
         summary == "dns_failure";
}

// --- The guard. -------------------------------------------------------------

TEST_F(NetTest, NoSpellingReachesAForbiddenAddress) {
  int spellings = 0;
  int blocked = 0;
  const int before = origin_->connections();
  for (const char* v4 : kForbidden) {
    for (const std::string& host : Spellings(v4)) {
      const std::string summary = Get("http://" + host + "/ppm");
      EXPECT_TRUE(IsRefused(summary)) << host << ": " << summary;
      ++spellings;
      blocked += summary == "blocked_address";
    }
  }
  for (const char* v6 : kForbiddenV6) {
    for (const std::string& host :
         {fmt::format("[{}]", v6), fmt::format("[{}]:80", v6),
          fmt::format("aaaa-{}.test", HexOf(v6))}) {
      const std::string summary = Get("http://" + host + "/ppm");
      EXPECT_TRUE(IsRefused(summary)) << host << ": " << summary;
      ++spellings;
      blocked += summary == "blocked_address";
    }
  }
  EXPECT_EQ(origin_->connections(), before) << "no packet arrived";
  EXPECT_GE(spellings, 400);
  // Most are refused for their address, not because nobody understood them.
  EXPECT_GE(blocked, spellings * 8 / 10);
  std::printf("%d spellings, %d blocked by address\n", spellings, blocked);
}

TEST_F(NetTest, NoRedirectReachesAForbiddenAddress) {
  int redirects = 0;
  for (const char* v4 : kForbidden) {
    for (const std::string& host : Spellings(v4)) {
      if (host.find('@') != std::string::npos) continue;
      const int before = origin_->connections();
      const std::string summary = Get(
          "http://93.184.216.34/redirect?to=http://" + Escaped(host) + "/ppm");
      EXPECT_TRUE(IsRefused(summary)) << host << ": " << summary;
      // The public host itself may have been connected to again.
      EXPECT_LE(origin_->connections(), before + 1);
      ++redirects;
    }
  }
  EXPECT_GE(redirects, 400);
  for (const testing::OriginRequest& request : origin_->Requests()) {
    EXPECT_NE(request.target, "/ppm") << request.head;
  }
}

TEST_F(NetTest, PublicAddressesAreNotBlocked) {
  for (const char* v4 : kPublic) {
    EXPECT_EQ(Get(fmt::format("http://{}/ppm?public", v4)), "200") << v4;
    EXPECT_EQ(Get(fmt::format("http://[64:ff9b::{}]/ppm?public", v4)), "200")
        << v4;
  }
  for (const char* v6 : kPublicV6) {
    EXPECT_EQ(Get(fmt::format("http://[{}]/ppm?public", v6)), "200") << v6;
  }
  EXPECT_EQ(Get("http://a-5db8d822.test/ppm?public"), "200");
}

TEST_F(NetTest, ANameThatChangesItsAddressIsCaught) {
  for (int i = 0; i < 20; ++i) {
    const std::string url =
        fmt::format("http://x{}.rebind-5db8d822-0a000001.test/ppm?public", i);
    CurlClient first;
    EXPECT_EQ(Get(first, url), "200");
    const int before = origin_->connections();
    CurlClient second;  // Neither its connections nor its DNS answers.
    EXPECT_EQ(Get(second, url), "blocked_address");
    EXPECT_EQ(origin_->connections(), before);
  }
}

TEST_F(NetTest, OfSeveralAddressesOnlyTheAllowedAreTried) {
  for (const char* name :
       {"a-5db8d822-0a000001.test", "a-0a000001-5db8d822.test",
        "a-a9fea9fe-5db8d822-7f000001.test"}) {
    CurlClient client;
    const std::string summary =
        Get(client, fmt::format("http://{}/ppm?public", name));
    EXPECT_EQ(summary, "200") << name;
  }
  for (const testing::OriginRequest& request : origin_->Requests()) {
    EXPECT_NE(request.target, "/ppm");
  }
}

TEST_F(NetTest, AConnectionMadeUnderAnotherPolicyIsNotUsed) {
  Settings open = settings_;
  open.network.public_only = false;
  const std::string url = "http://10.0.0.1/ppm?open";
  ASSERT_EQ(Summary(Fetch(client_, RequestFor(url, open, nullptr))), "200");
  const size_t before = origin_->Requests().size();
  EXPECT_EQ(Get(url), "blocked_address");
  const std::string name = "http://a-0a000001.test/ppm?open";
  ASSERT_EQ(Summary(Fetch(client_, RequestFor(name, open, nullptr))), "200");
  EXPECT_EQ(Get(name), "blocked_address");
  EXPECT_EQ(origin_->Requests().size(), before + 1);
}

TEST_F(NetTest, TheDefaultRefusesMetadataOnly) {
  settings_.network.public_only = false;
  for (const char* host : {"169.254.169.254", "0xa9fea9fe", "[fd00:ec2::254]",
                           "[::ffff:169.254.169.254]", "a-a9fea9fe.test",
                           "100.100.100.200", "[64:ff9b::169.254.169.254]"}) {
    EXPECT_EQ(Get(fmt::format("http://{}/ppm", host)), "blocked_address")
        << host;
  }
  for (const char* host : {"10.0.0.1", "127.0.0.1", "192.168.0.1", "[::1]",
                           "a-0a000001.test", "93.184.216.34"}) {
    EXPECT_EQ(Get(fmt::format("http://{}/ppm?open", host)), "200") << host;
  }
}

TEST_F(NetTest, AllowNetOpens) {
  settings_.network.allowed = {*ParseCidr("10.0.0.0/24")};
  EXPECT_EQ(Get("http://10.0.0.1/ppm?open"), "200");
  EXPECT_EQ(Get("http://10.0.1.1/ppm"), "blocked_address");
}

TEST_F(NetTest, ProxyVariablesAreIgnored) {
  const int before = origin_->connections();
  for (const char* variable :
       {"http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"}) {
    setenv(variable, "http://127.0.0.1:80", 1);
  }
  CurlClient client;
  EXPECT_EQ(Get(client, "http://10.0.0.1/ppm"), "blocked_address");
  EXPECT_EQ(Get(client, "https://10.0.0.1/ppm"), "blocked_address");
  EXPECT_EQ(origin_->connections(), before);
  for (const char* variable :
       {"http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"}) {
    unsetenv(variable);
  }
}

// --- Names that hang. -------------------------------------------------------

TEST_F(NetTest, NamesThatHangDelayNobodyElse) {
  settings_.connect_timeout = Milliseconds(2000);
  std::vector<std::future<HttpAnswer>> hanging;
  for (int i = 0; i < 50; ++i) {
    hanging.push_back(
        SendTo(client_, RequestFor(fmt::format("http://hang{}.test/ppm", i),
                                   settings_, nullptr)));
  }
  std::vector<Steady::duration> waits;
  for (int i = 0; i < 300; ++i) {
    const auto begun = Steady::now();
    EXPECT_EQ(Get(fmt::format("http://x{}.a-5db8d822.test/ppm?public", i)),
              "200");
    waits.push_back(Steady::now() - begun);
  }
  std::sort(waits.begin(), waits.end());
  const auto p99 = std::chrono::duration_cast<Milliseconds>(waits[296]);
  std::printf("p99 of 300 requests to new names: %ld ms\n",
              static_cast<long>(p99.count()));
  EXPECT_LE(p99, Milliseconds(100));
  // And while they are given up, one after the other.
  const auto begun = Steady::now();
  for (auto& answer : hanging) {
    EXPECT_EQ(Summary(answer.get()), "dns_failure");
  }
  EXPECT_LE(Steady::now() - begun, Milliseconds(4000));
  const auto again = Steady::now();
  EXPECT_EQ(Get("http://y.a-5db8d822.test/ppm?public"), "200");
  EXPECT_LE(Steady::now() - again, Milliseconds(500));
}

TEST_F(NetTest, CancelsWhileNamesHang) {
  std::vector<std::future<HttpAnswer>> hanging;
  const auto begun = Steady::now();
  {
    CurlClient client;
    for (int i = 0; i < 50; ++i) {
      hanging.push_back(
          SendTo(client, RequestFor(fmt::format("http://hang-c{}.test/", i),
                                    settings_, nullptr)));
    }
    EXPECT_EQ(Get(client, "http://a-5db8d822.test/ppm?public"), "200");
    client.CancelAll();
    for (auto& answer : hanging) EXPECT_EQ(Summary(answer.get()), "cancelled");
  }
  EXPECT_LE(Steady::now() - begun, Milliseconds(1000));
}

TEST_F(NetTest, HangingLookUpsAreBounded) {
  CurlOptions options;
  options.max_look_ups = 10;
  CurlClient client(options);
  EXPECT_EQ(Get(client, "http://a-5db8d822.test/ppm?public"), "200");
  std::vector<std::future<HttpAnswer>> hanging;
  for (int i = 0; i < 30; ++i) {
    hanging.push_back(
        SendTo(client, RequestFor(fmt::format("http://hang-b{}.test/", i),
                                  settings_, nullptr)));
  }
  const auto begun = Steady::now();
  for (size_t i = 10; i < 30; ++i) {
    EXPECT_EQ(Summary(hanging[i].get()), "dns_failure");
  }
  EXPECT_LE(Steady::now() - begun, Milliseconds(1000));
  EXPECT_EQ(Get(client, "http://a-5db8d822.test/ppm?public"), "200")
      << "what is connected goes on";
  client.CancelAll();
}

}  // namespace

// Only here is the program's own main: it may have to start itself again.
int NetTestMain(int argc, char** argv) {
  if (getenv(kInside) == nullptr) {
    if (std::system("unshare -Urnm true 2>/dev/null") == 0) {
      setenv(kInside, "1", 1);
      std::vector<char*> words = {const_cast<char*>("unshare"),
                                  const_cast<char*>("-Urnm")};
      words.insert(words.end(), argv, argv + argc);
      words.push_back(nullptr);
      execvp("unshare", words.data());
    }
    skip_reason = "network namespaces are not permitted here";
  } else {
    skip_reason = MakeWorld();
  }
  if (!skip_reason.empty()) {
    std::printf("skipped: %s\n", skip_reason.c_str());
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

}  // namespace imgbatch

int main(int argc, char** argv) { return imgbatch::NetTestMain(argc, argv); }
