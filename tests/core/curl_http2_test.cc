// The HTTP client over TLS and HTTP/2, against nghttpd.
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/curl_client.h"
#include "tests/support/fetching.h"
#include "tests/support/nghttpd.h"
#include "tests/support/relay.h"

namespace imgbatch {
namespace {

using testing::Fetch;
using testing::Nghttpd;
using testing::Relay;
using testing::RelayOptions;
using testing::SendTo;
using testing::Summary;

class CurlHttp2Test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<Nghttpd>(/*files=*/1000, /*bytes=*/2000);
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (!server_->running()) GTEST_SKIP() << "nghttpd is not installed";
    CurlOptions options;
    options.ca_file = server_->ca_file();
    client_ = std::make_unique<CurlClient>(options);
  }

  std::string Url(int file, uint16_t port = 0) const {
    return "https://localhost:" +
           std::to_string(port != 0 ? port : server_->port()) + "/" +
           std::to_string(file);
  }

  // Files 0 … count-1, so many at a time; how many came well over HTTP/2.
  int FetchMany(int count, int in_flight, uint16_t port) {
    std::vector<std::future<HttpAnswer>> answers;
    int good = 0;
    for (int i = 0; i < count; ++i) {
      HttpRequest request;
      request.url = Url(i % 1000, port);
      answers.push_back(SendTo(*client_, std::move(request)));
      if (i < in_flight - 1) continue;
      const size_t oldest = static_cast<size_t>(i - in_flight + 1);
      good += IsGood(answers[oldest].get());
    }
    for (auto& answer : answers) {
      if (answer.valid()) good += IsGood(answer.get());
    }
    return good;
  }
  static int IsGood(const HttpAnswer& answer) {
    const auto* response = std::get_if<HttpResponse>(&answer);
    return response != nullptr && response->status == 200 &&
           response->version == 20 && response->body.size() == 2000;
  }

  static std::unique_ptr<Nghttpd> server_;
  std::unique_ptr<CurlClient> client_;
};

std::unique_ptr<Nghttpd> CurlHttp2Test::server_;

TEST_F(CurlHttp2Test, CarriesAThousandImagesOverOneConnection) {
  const Relay relay({.target = server_->port()});
  EXPECT_EQ(FetchMany(1000, 32, relay.port()), 1000);
  EXPECT_EQ(relay.connections(), 1);
  EXPECT_EQ(client_->Statistics().connections, 1U);
}

TEST_F(CurlHttp2Test, IsNotSlowedDownByLatency) {
  const Relay relay({.target = server_->port(), .one_way_ms = 10});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(FetchMany(640, 32, relay.port()), 640);
  const auto took = std::chrono::steady_clock::now() - begun;
  // 20 rounds of 32 at 20 ms, and the handshakes; one after the other it
  // would be 13 s.
  EXPECT_LE(took, std::chrono::seconds(3));
  EXPECT_EQ(relay.connections(), 1);
}

TEST_F(CurlHttp2Test, RefusesAnUnknownCertificate) {
  CurlClient client;
  const HttpAnswer answer = Fetch(client, Url(1));
  ASSERT_EQ(Summary(answer), "tls_error");
  EXPECT_NE(std::get<HttpFailure>(answer).failure.message.find("certificate"),
            std::string::npos);
}

TEST_F(CurlHttp2Test, RefusesACertificateForAnotherName) {
  EXPECT_EQ(Summary(Fetch(
                *client_,
                "https://127.0.0.2:" + std::to_string(server_->port()) + "/1")),
            "connect_failed")
      << "nghttpd listens on 127.0.0.1 only";
  EXPECT_EQ(
      Summary(Fetch(*client_, "https://[::ffff:127.0.0.1]:" +
                                  std::to_string(server_->port()) + "/1")),
      "tls_error");
}

TEST_F(CurlHttp2Test, ChecksTheAddressOfASharedConnection) {
  ASSERT_EQ(Summary(Fetch(*client_, Url(1))), "200");
  HttpRequest request;
  request.url = Url(2);
  request.allows = [](const IpAddress&) { return false; };
  EXPECT_EQ(Summary(Fetch(*client_, request)), "blocked_address");
  EXPECT_EQ(Summary(Fetch(*client_, Url(3))), "200");
}

TEST_F(CurlHttp2Test, CallsABrokenConnectionTruncatedOrFailed) {
  for (const uint64_t cut : {100, 2000, 2600, 3000, 3500, 4000}) {
    const Relay relay({.target = server_->port(), .cut_after = cut});
    const std::string summary = Summary(Fetch(*client_, Url(1, relay.port())));
    EXPECT_TRUE(summary == "truncated" || summary == "connect_failed" ||
                summary == "tls_error" || summary == "200")
        << summary << " after " << cut;
  }
}

TEST_F(CurlHttp2Test, CallsABodyCutInTheMiddleTruncated) {
  // Of 32 bodies on one connection some are on their way when it breaks.
  const Relay relay({.target = server_->port(), .cut_after = 30'000});
  std::vector<std::future<HttpAnswer>> answers;
  for (int i = 0; i < 32; ++i) {
    HttpRequest request;
    request.url = Url(i, relay.port());
    answers.push_back(SendTo(*client_, std::move(request)));
  }
  int bad = 0;
  for (auto& future : answers) {
    const HttpAnswer answer = future.get();
    if (IsGood(answer) != 0) continue;
    ++bad;
    EXPECT_TRUE(Summary(answer) == "truncated" ||
                Summary(answer) == "connect_failed")
        << Summary(answer);
  }
  EXPECT_GT(bad, 0);
}

TEST_F(CurlHttp2Test, CancelsStreams) {
  const Relay relay({.target = server_->port(), .one_way_ms = 2000});
  std::vector<std::future<HttpAnswer>> answers;
  for (int i = 0; i < 40; ++i) {
    HttpRequest request;
    request.url = Url(i, relay.port());
    answers.push_back(SendTo(*client_, std::move(request)));
  }
  client_->CancelAll();
  for (auto& answer : answers) EXPECT_EQ(Summary(answer.get()), "cancelled");
}

}  // namespace
}  // namespace imgbatch
