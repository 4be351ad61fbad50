#include "core/curl_client.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/fetching.h"
#include "tests/support/origin.h"

namespace imgbatch {
namespace {

using testing::Fetch;
using testing::Origin;
using testing::OriginOptions;
using testing::SendTo;
using testing::Summary;
using Steady = std::chrono::steady_clock;

HttpRequest Request(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

std::optional<HttpFailure> FailureIn(HttpAnswer answer) {
  auto* failure = std::get_if<HttpFailure>(&answer);
  if (failure == nullptr) return std::nullopt;
  return std::move(*failure);
}

class CurlClientTest : public ::testing::Test {
 protected:
  HttpAnswer Get(const std::string& path) {
    return Fetch(client_, origin_.Url(path));
  }

  Origin origin_;
  CurlClient client_;
};

TEST_F(CurlClientTest, FetchesABodyAndItsHash) {
  const HttpAnswer answer = Get("/ppm?w=10&h=10");
  ASSERT_EQ(Summary(answer), "200");
  const auto& response = std::get<HttpResponse>(answer);
  EXPECT_EQ(response.body.size(), 313U);
  EXPECT_EQ(response.body_hash, HashOf(response.body.bytes()));
  EXPECT_EQ(response.content_type, "image/x-portable-pixmap");
  EXPECT_EQ(response.version, 11);
  EXPECT_FALSE(response.reused_connection);
}

TEST_F(CurlClientTest, KeepsConnections) {
  for (int i = 0; i < 20; ++i) {
    const HttpAnswer answer = Get("/ppm?id=" + std::to_string(i));
    EXPECT_EQ(std::get<HttpResponse>(answer).reused_connection, i > 0);
  }
  EXPECT_EQ(origin_.connections(), 1);
  EXPECT_EQ(client_.Statistics().connections, 1U);
  EXPECT_EQ(client_.Statistics().requests, 20U);
  EXPECT_EQ(client_.Statistics().bytes, 20U * 3085);
}

TEST_F(CurlClientTest, ReturnsRedirectsAndErrorsAsAnswers) {
  const HttpAnswer redirect = Get("/redirect?to=/html");
  ASSERT_EQ(Summary(redirect), "302");
  EXPECT_EQ(std::get<HttpResponse>(redirect).location, "/html");
  EXPECT_EQ(Summary(Get("/status/404")), "404");
  EXPECT_EQ(Summary(Get("/status/204")), "204");
  const HttpAnswer busy = Get("/429?retry-after=7");
  EXPECT_EQ(std::get<HttpResponse>(busy).retry_after, "7");
  EXPECT_EQ(origin_.connections(), 1);
}

TEST_F(CurlClientTest, AsksConditionally) {
  HttpRequest request = Request(origin_.Url("/etag?value=x"));
  HttpAnswer answer = Fetch(client_, request);
  EXPECT_EQ(std::get<HttpResponse>(answer).etag, "\"x\"");
  request.headers.push_back({"If-None-Match", "\"x\""});
  answer = Fetch(client_, request);
  EXPECT_EQ(Summary(answer), "304");
  EXPECT_FALSE(std::get<HttpResponse>(answer).content_length.has_value());
  EXPECT_EQ(std::get<HttpResponse>(answer).body.size(), 0U);
}

TEST_F(CurlClientTest, SendsWhatItWasGivenAndNoMore) {
  HttpRequest request = Request(origin_.Url("/ppm"));
  request.headers = {{"X-Token", "abc"}};
  Fetch(client_, request);
  const auto requests = origin_.Requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].Header("x-token"), "abc");
  EXPECT_TRUE(requests[0].Header("user-agent").starts_with("imgbatch/"));
  EXPECT_EQ(requests[0].Header("accept-encoding"), "");
}

TEST_F(CurlClientTest, RefusesAHeaderWithALineBreak) {
  HttpRequest request = Request(origin_.Url("/ppm"));
  request.headers = {{"X-Token", "abc\r\nX-Evil: 1"}};
  EXPECT_EQ(Summary(Fetch(client_, request)), "invalid_url");
  EXPECT_TRUE(origin_.Requests().empty());
}

TEST_F(CurlClientTest, CallsTruncatedWhatIsTruncated) {
  for (const std::string how : {"length", "chunk", "reset"}) {
    for (int percent = 0; percent < 100; ++percent) {
      const auto failure =
          FailureIn(Get("/cut?how=" + how + "&at=" + std::to_string(percent)));
      ASSERT_TRUE(failure.has_value()) << how << " at " << percent;
      // A reset can overtake the header.
      if (how == "reset" && !failure->failure.http_status) continue;
      EXPECT_EQ(failure->failure.code, FailureCode::kTruncated)
          << how << " at " << percent;
      EXPECT_TRUE(failure->connected);
    }
  }
}

TEST_F(CurlClientTest, MeetsEveryLie) {
  const std::pair<const char*, const char*> cases[] = {
      {"/lie?content-length=999999", "truncated"},
      {"/lie?content-length=10", "200"},  // The decoder sees the short body.
      {"/empty", "200"},
      {"/html", "200"},
      {"/206", "206"},
      {"/encoding?value=gzip", "200"},
      {"/headers?bytes=70000", "bad_response"},
      {"/headers?bytes=1000&lines=100", "bad_response"},
      {"/headers?bytes=1000&lines=50", "200"},
      {"/loop", "302"},
  };
  for (const auto& [path, summary] : cases) {
    EXPECT_EQ(Summary(Get(path)), summary) << path;
  }
}

TEST_F(CurlClientTest, StopsEndlessBodiesAtTheLimit) {
  for (const char* path :
       {"/endless", "/endless?length=99999999999", "/endless?length=300000"}) {
    HttpRequest request = Request(origin_.Url(path));
    request.max_bytes = 200'000;
    const auto failure = FailureIn(Fetch(client_, request));
    ASSERT_TRUE(failure.has_value()) << path;
    EXPECT_EQ(failure->failure.code, FailureCode::kTooLarge) << path;
    EXPECT_LE(failure->downloaded, 200'000U + 65'536) << path;
  }
}

TEST_F(CurlClientTest, AcceptsABodyOfExactlyTheLimit) {
  HttpRequest request = Request(origin_.Url("/ppm?w=10&h=10"));
  request.max_bytes = 313;
  EXPECT_EQ(Summary(Fetch(client_, request)), "200");
  request.max_bytes = 312;
  EXPECT_EQ(Summary(Fetch(client_, request)), "too_large");
}

TEST_F(CurlClientTest, UnpacksNoBomb) {
  for (const char* path :
       {"/gzip?bytes=100000000", "/gzip?bytes=100000000&layers=5",
        "/encoding?value=br", "/encoding?value=zstd"}) {
    const HttpAnswer answer = Get(path);
    ASSERT_EQ(Summary(answer), "200") << path;
    const auto& response = std::get<HttpResponse>(answer);
    EXPECT_NE(response.content_encoding, "") << path;
    EXPECT_EQ(response.body.size(), 0U) << path;
  }
}

TEST_F(CurlClientTest, CountsWhatATransferEncodingUnpacks) {
  HttpRequest request = Request(origin_.Url("/gzip?bytes=100000000&te=1"));
  request.max_bytes = 1 << 20;
  const auto failure = FailureIn(Fetch(client_, request));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->failure.code, FailureCode::kTooLarge);
  EXPECT_LE(failure->downloaded, (1U << 20) + 65'536);
}

TEST_F(CurlClientTest, EndsWhatStalls) {
  for (const char* path : {"/stall?after=-1", "/stall?after=0",
                           "/stall?after=2000", "/drip?bytes=1&ms=20"}) {
    HttpRequest request = Request(origin_.Url(path));
    request.stall_time = Milliseconds(200);
    const auto begun = Steady::now();
    const HttpAnswer answer = Fetch(client_, request);
    EXPECT_EQ(Summary(answer), "stalled") << path;
    const auto took = Steady::now() - begun;
    EXPECT_GE(took, Milliseconds(190)) << path;
    EXPECT_LE(took, Milliseconds(2000)) << path;
  }
}

TEST_F(CurlClientTest, LeavesASlowButSteadyTransferAlone) {
  HttpRequest request = Request(origin_.Url("/drip?bytes=300&ms=30"));
  request.stall_time = Milliseconds(100);
  EXPECT_EQ(Summary(Fetch(client_, request)), "200");
}

TEST_F(CurlClientTest, EndsATryInTime) {
  HttpRequest request = Request(origin_.Url("/drip?bytes=300&ms=100"));
  request.timeout = Milliseconds(300);
  const auto failure = FailureIn(Fetch(client_, request));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->failure.code, FailureCode::kTimeout);
  EXPECT_NE(failure->failure.message.find("0.3 s"), std::string::npos);
}

TEST_F(CurlClientTest, AnErrorPageNeedNotEnd) {
  HttpRequest request = Request(origin_.Url("/status/404"));
  request.max_bytes = 1;
  EXPECT_EQ(Summary(Fetch(client_, request)), "404");
}

TEST_F(CurlClientTest, KeepsLargeBodiesOutOfMemory) {
  const HttpAnswer answer = Get("/ppm?w=1000&h=1000");
  ASSERT_EQ(Summary(answer), "200");
  const auto& response = std::get<HttpResponse>(answer);
  EXPECT_EQ(response.body.size(), 3'000'017U);
  EXPECT_EQ(response.body.memory(), 0U);
  EXPECT_EQ(response.body_hash, HashOf(response.body.bytes()));
}

TEST_F(CurlClientTest, KeepsLargeBodiesInMemoryWithoutADirectory) {
  CurlOptions options;
  options.temporary_directory = "/nowhere/at/all";
  CurlClient client(options);
  const HttpAnswer answer = Fetch(client, origin_.Url("/ppm?w=1000&h=1000"));
  ASSERT_EQ(Summary(answer), "200");
  const auto& response = std::get<HttpResponse>(answer);
  EXPECT_EQ(response.body.size(), 3'000'017U);
  EXPECT_EQ(response.body_hash, HashOf(response.body.bytes()));
}

TEST_F(CurlClientTest, ChecksTheAddressOfEveryConnection) {
  std::string seen;
  HttpRequest request =
      Request("http://localhost:" + std::to_string(origin_.port()) + "/ppm");
  request.allows = [&seen](const IpAddress& address) {
    seen = ToText(address);
    return false;
  };
  const auto failure = FailureIn(Fetch(client_, request));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->failure.code, FailureCode::kBlockedAddress);
  EXPECT_FALSE(failure->connected);
  EXPECT_EQ(origin_.connections(), 0);
  EXPECT_TRUE(seen == "127.0.0.1" || seen == "::1") << seen;
}

TEST_F(CurlClientTest, ChecksTheAddressOfEveryReuse) {
  const std::string url =
      "http://localhost:" + std::to_string(origin_.port()) + "/ppm";
  EXPECT_EQ(Summary(Fetch(client_, url)), "200");
  HttpRequest request = Request(url);
  request.allows = [](const IpAddress&) { return false; };
  EXPECT_EQ(Summary(Fetch(client_, request)), "blocked_address");
  EXPECT_EQ(origin_.Requests().size(), 1U) << "no byte of a request was sent";
  EXPECT_EQ(Summary(Fetch(client_, url)), "200");
}

TEST_F(CurlClientTest, SaysWhyThereIsNoConnection) {
  uint16_t closed = 0;
  {
    const Origin gone;
    closed = gone.port();
  }
  const std::pair<std::string, const char*> cases[] = {
      {"http://127.0.0.1:" + std::to_string(closed) + "/", "connect_failed"},
      {"http://name.invalid/", "dns_failure"},
      {"https://127.0.0.1:" + std::to_string(origin_.port()) + "/",
       "tls_error"},
      {"ftp://127.0.0.1/", "invalid_url"},
      {"file:///etc/passwd", "invalid_url"},
      {"gopher://127.0.0.1/", "invalid_url"},
      {"http://127.0.0.1:99999/", "invalid_url"},
  };
  for (const auto& [url, summary] : cases) {
    const HttpAnswer answer = Fetch(client_, url);
    EXPECT_EQ(Summary(answer), summary) << url;
  }
}

TEST_F(CurlClientTest, IgnoresProxiesOfTheEnvironment) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("all_proxy", "http://127.0.0.1:1", 1);
  CurlClient client;
  EXPECT_EQ(Summary(Fetch(client, origin_.Url("/ppm"))), "200");
  unsetenv("http_proxy");
  unsetenv("all_proxy");
}

TEST_F(CurlClientTest, UsesTheProxyItWasGiven) {
  CurlOptions options;
  options.proxy = origin_.Url("");
  CurlClient client(options);
  HttpRequest request = Request("http://images.invalid/ppm");
  request.allows = [](const IpAddress&) { return false; };
  EXPECT_EQ(Summary(Fetch(client, request)), "200");
  // What the URL itself says is still judged.
  request.url = "http://169.254.169.254/ppm";
  EXPECT_EQ(Summary(Fetch(client, request)), "blocked_address");
}

TEST_F(CurlClientTest, CancelsEverythingSoon) {
  std::vector<std::future<HttpAnswer>> answers;
  for (int i = 0; i < 50; ++i) {
    answers.push_back(SendTo(client_, Request(origin_.Url("/stall?after=9"))));
  }
  const auto begun = Steady::now();
  client_.CancelAll();
  for (auto& answer : answers) EXPECT_EQ(Summary(answer.get()), "cancelled");
  EXPECT_LE(Steady::now() - begun, Milliseconds(1000));
  EXPECT_EQ(Summary(Get("/ppm")), "200") << "what comes later goes on";
}

TEST_F(CurlClientTest, AnswersEverythingBeforeItGoes) {
  std::vector<std::future<HttpAnswer>> answers;
  {
    CurlClient client;
    for (int i = 0; i < 20; ++i) {
      answers.push_back(SendTo(client, Request(origin_.Url("/stall"))));
    }
  }
  for (auto& answer : answers) EXPECT_EQ(Summary(answer.get()), "cancelled");
}

TEST_F(CurlClientTest, TakesRequestsFromManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, &good, t] {
      std::vector<std::future<HttpAnswer>> answers;
      for (int i = 0; i < 100; ++i) {
        answers.push_back(SendTo(
            client_, Request(origin_.Url("/ppm?w=8&h=8&seed=" +
                                         std::to_string(t * 1000 + i)))));
        if (answers.size() < 4) continue;
        for (auto& answer : answers) good += Summary(answer.get()) == "200";
        answers.clear();
      }
      for (auto& answer : answers) good += Summary(answer.get()) == "200";
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace imgbatch
