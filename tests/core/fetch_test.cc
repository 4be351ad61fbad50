#include "core/fetch.h"

#include <string>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

constexpr WallTime kNow = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT.

HttpResponse Response(int status) {
  HttpResponse response;
  response.status = status;
  response.body = Body(std::vector<uint8_t>{1, 2, 3});
  return response;
}

const Refused& RefusedBy(const Verdict& verdict) {
  static const Refused none;
  const auto* refused = std::get_if<Refused>(&verdict);
  EXPECT_NE(refused, nullptr);
  return refused != nullptr ? *refused : none;
}

TEST(Judge, AcceptsAnImage) {
  EXPECT_TRUE(std::holds_alternative<Fetched>(
      Judge(Response(200), /*conditional=*/false, kNow)));
  EXPECT_TRUE(std::holds_alternative<Fetched>(
      Judge(Response(203), /*conditional=*/true, kNow)));
}

TEST(Judge, GivesEachStatusItsCode) {
  struct Case {
    int status;
    FailureCode code;
    bool retried;
  };
  const Case cases[] = {
      {201, FailureCode::kBadResponse, false},
      {202, FailureCode::kBadResponse, false},
      {204, FailureCode::kBadResponse, false},
      {206, FailureCode::kBadResponse, false},
      {226, FailureCode::kBadResponse, false},
      {300, FailureCode::kHttpError, false},
      {301, FailureCode::kBadResponse, false},  // No Location.
      {304, FailureCode::kBadResponse, false},
      {400, FailureCode::kHttpError, false},
      {401, FailureCode::kHttpError, false},
      {403, FailureCode::kHttpError, false},
      {404, FailureCode::kHttpError, false},
      {408, FailureCode::kHttpError, true},
      {410, FailureCode::kHttpError, false},
      {425, FailureCode::kHttpError, true},
      {429, FailureCode::kRateLimited, true},
      {500, FailureCode::kHttpError, true},
      {502, FailureCode::kHttpError, true},
      {503, FailureCode::kHttpError, true},
      {504, FailureCode::kHttpError, true},
      {522, FailureCode::kHttpError, true},
  };
  for (const Case& c : cases) {
    const Verdict verdict = Judge(Response(c.status), false, kNow);
    const Failure& failure = RefusedBy(verdict).failure;
    EXPECT_EQ(failure.code, c.code) << c.status;
    EXPECT_EQ(failure.http_status, c.status);
    EXPECT_EQ(CanPass(failure), c.retried) << c.status;
  }
}

TEST(Judge, RefusesAnEmptyBody) {
  HttpResponse response;
  response.status = 200;
  EXPECT_EQ(RefusedBy(Judge(response, false, kNow)).failure.code,
            FailureCode::kBadResponse);
}

TEST(Judge, RefusesAnUnexpectedEncoding) {
  for (const char* encoding : {"gzip", "br", "gzip, gzip", "identity, gzip"}) {
    HttpResponse response = Response(200);
    response.content_encoding = encoding;
    EXPECT_EQ(RefusedBy(Judge(response, false, kNow)).failure.code,
              FailureCode::kBadResponse)
        << encoding;
  }
  HttpResponse response = Response(200);
  response.content_encoding = "Identity";
  EXPECT_TRUE(std::holds_alternative<Fetched>(Judge(response, false, kNow)));
}

TEST(Judge, ReturnsRedirects) {
  for (const int status : {301, 302, 303, 307, 308}) {
    HttpResponse response = Response(status);
    response.location = "/b";
    const Verdict verdict = Judge(response, false, kNow);
    const auto* redirect = std::get_if<Redirect>(&verdict);
    ASSERT_NE(redirect, nullptr) << status;
    EXPECT_EQ(redirect->location, "/b");
  }
}

TEST(Judge, Believes304OnlyWhenItAsked) {
  EXPECT_TRUE(std::holds_alternative<NotModified>(
      Judge(Response(304), /*conditional=*/true, kNow)));
  EXPECT_TRUE(std::holds_alternative<Refused>(
      Judge(Response(304), /*conditional=*/false, kNow)));
}

TEST(Judge, PassesRetryAfterOn) {
  for (const int status : {408, 429, 503}) {
    HttpResponse response = Response(status);
    response.retry_after = "7";
    EXPECT_EQ(RefusedBy(Judge(response, false, kNow)).retry_after, 7);
  }
  HttpResponse final = Response(404);
  final.retry_after = "7";
  EXPECT_EQ(RefusedBy(Judge(final, false, kNow)).retry_after, std::nullopt);
}

TEST(Contradicts, CatchesA304ThatSpeaksOfAnotherImage) {
  struct Case {
    const char* etag;
    std::optional<uint64_t> length;
    bool contradicts;
  };
  const Case cases[] = {
      {"", std::nullopt, false}, {"\"a\"", std::nullopt, false},
      {"W/\"a\"", 100, false},   {"", 0, false},
      {"\"b\"", 100, true},      {"\"a\"", 99, true},
      {"", 101, true},
  };
  KnownSource known;
  known.etag = "\"a\"";
  known.source_bytes = 100;
  for (const Case& c : cases) {
    HttpResponse response = Response(304);
    response.etag = c.etag;
    response.content_length = c.length;
    EXPECT_EQ(Contradicts(response, known), c.contradicts) << c.etag;
  }
  // Without an ETag of ours there is nothing to compare with.
  known.etag.clear();
  HttpResponse response = Response(304);
  response.etag = "\"b\"";
  EXPECT_FALSE(Contradicts(response, known));
}

TEST(RetryAfter, ReadsBothForms) {
  struct Case {
    const char* text;
    const char* date;
    std::optional<int> seconds;
  };
  const Case cases[] = {
      {"", "", std::nullopt},
      {"soon", "", std::nullopt},
      {"-5", "", std::nullopt},
      {"1.5", "", std::nullopt},
      {"0", "", 0},
      {" 7 ", "", 7},
      {"300", "", 300},
      {"301", "", 300},
      {"99999999999999999999", "", 300},
      {"Sun, 06 Nov 1994 08:49:47 GMT", "", 10},
      {"Sunday, 06-Nov-94 08:49:47 GMT", "", 10},
      {"Sun Nov  6 08:49:47 1994", "", 10},
      {"Sun, 06 Nov 1994 08:49:17 GMT", "", 0},
      {"Sun, 06 Nov 1994 18:49:17 GMT", "", 300},
      {"Sun, 32 Nov 1994 08:49:47 GMT", "", std::nullopt},
      {"Sun, 06 Nov 1994 25:49:47 GMT", "", std::nullopt},
      {"Sun, 06 Foo 1994 08:49:47 GMT", "", std::nullopt},
      // The server's clock is a year ahead, and so is its Date.
      {"Mon, 06 Nov 1995 08:49:47 GMT", "Mon, 06 Nov 1995 08:49:42 GMT", 5},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(RetryAfterSeconds(c.text, c.date, kNow), c.seconds) << c.text;
  }
}

Refused Failed(FailureCode code, int status,
               std::optional<int> retry_after = std::nullopt) {
  return {{code, status, ""}, retry_after};
}

TEST(PlanRetry, WaitsLongerEachTime) {
  const Refused refused = Failed(FailureCode::kTimeout, 0);
  const int delays[] = {250, 2000, 4000, 8000};
  for (int attempts = 1; attempts <= 4; ++attempts) {
    const auto plan = PlanRetry(refused, attempts, 0, 4, 0.5);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->delay.count(), delays[attempts - 1]);
    EXPECT_EQ(plan->attempts, attempts);
    EXPECT_EQ(plan->waited_ms, 0);
  }
  EXPECT_FALSE(PlanRetry(refused, 5, 0, 4, 0.5).has_value());
  EXPECT_EQ(PlanRetry(refused, 50, 0, 100, 0.5)->delay.count(), 60'000);
}

TEST(PlanRetry, SpreadsByJitter) {
  const Refused refused = Failed(FailureCode::kTimeout, 0);
  EXPECT_EQ(PlanRetry(refused, 2, 0, 4, 0.0)->delay.count(), 1000);
  EXPECT_EQ(PlanRetry(refused, 2, 0, 4, 0.999)->delay.count(), 2998);
}

TEST(PlanRetry, NeverRetriesWhatIsFinal) {
  EXPECT_FALSE(
      PlanRetry(Failed(FailureCode::kHttpError, 404), 1, 0, 4, 0).has_value());
  EXPECT_FALSE(PlanRetry(Failed(FailureCode::kBlockedAddress, 0), 1, 0, 4, 0)
                   .has_value());
  EXPECT_FALSE(
      PlanRetry(Failed(FailureCode::kTimeout, 0), 1, 0, 0, 0).has_value());
}

TEST(PlanRetry, RetryAfterWinsAndConsumesNoTry) {
  const auto plan =
      PlanRetry(Failed(FailureCode::kRateLimited, 429, 60), 5, 0, 4, 0.25);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->delay.count(), 60'250);
  EXPECT_EQ(plan->attempts, 4);
  EXPECT_EQ(plan->waited_ms, 60'000);
}

TEST(PlanRetry, RetryAfterEndsAfterFifteenMinutes) {
  const Refused refused = Failed(FailureCode::kHttpError, 503, 300);
  EXPECT_EQ(PlanRetry(refused, 1, 600'000, 4, 0)->waited_ms, 900'000);
  // From then on the ordinary delays, each a try.
  const auto plan = PlanRetry(refused, 1, 900'000, 4, 0.5);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->delay.count(), 250);
  EXPECT_EQ(plan->attempts, 1);
  EXPECT_FALSE(PlanRetry(refused, 5, 900'000, 4, 0.5).has_value());
}

TEST(PlanRetry, RetryAfterZeroIsAnOrdinaryFailure) {
  const Refused refused = Failed(FailureCode::kHttpError, 503, 0);
  EXPECT_EQ(PlanRetry(refused, 1, 0, 4, 0.5)->attempts, 1);
  EXPECT_FALSE(PlanRetry(refused, 5, 0, 4, 0.5).has_value());
}

TEST(PlanRetry, ShortRetryAftersAddUpToAnEnd) {
  const Refused refused = Failed(FailureCode::kRateLimited, 429, 1);
  int tries = 1;
  int64_t waited = 0;
  for (int attempts = 1;; ++tries) {
    const auto plan = PlanRetry(refused, attempts, waited, 4, 0);
    if (!plan) break;
    attempts = plan->attempts + 1;
    waited = plan->waited_ms;
    ASSERT_LT(tries, 100);
  }
  EXPECT_EQ(tries, 65);  // 60 charged with 15 s each, then 5 that count.
}

std::string Field(const HttpRequest& request, const std::string& name) {
  for (const HttpHeader& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

TEST(RequestFor, CarriesTheLimits) {
  Settings settings;
  settings.max_bytes = 1234;
  settings.timeout = Milliseconds(5);
  settings.network.public_only = true;
  const HttpRequest request = RequestFor("http://a/b", settings, nullptr);
  EXPECT_EQ(request.url, "http://a/b");
  EXPECT_EQ(request.max_bytes, 1234U);
  EXPECT_EQ(request.timeout, Milliseconds(5));
  EXPECT_FALSE(request.allows(*ParseIpAddress("10.0.0.1")));
  EXPECT_TRUE(request.allows(*ParseIpAddress("93.184.216.34")));
  EXPECT_EQ(Field(request, "User-Agent").rfind("imgbatch/", 0), 0U);
  EXPECT_EQ(Field(request, "If-None-Match"), "");
}

TEST(RequestFor, AsksConditionally) {
  KnownSource known;
  known.etag = "W/\"x\"";
  known.last_modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  const HttpRequest request = RequestFor("http://a/b", {}, &known);
  EXPECT_EQ(Field(request, "If-None-Match"), known.etag);
  EXPECT_EQ(Field(request, "If-Modified-Since"), known.last_modified);
}

TEST(RequestFor, NeverSplitsAHeader) {
  KnownSource known;
  known.etag = "\"x\"\r\nX-Evil: 1";
  Settings settings;
  settings.user_agent = "a\nb";
  const HttpRequest request = RequestFor("http://a/b", settings, &known);
  EXPECT_EQ(Field(request, "If-None-Match"), "");
  EXPECT_EQ(Field(request, "User-Agent").rfind("imgbatch/", 0), 0U);
}

TEST(ForbidsAi, ReadsEveryDirective) {
  for (const char* tag : {"noai", "NoAI", "noindex, noimageai",
                          "otherbot: noindex, imgbatch: noai", " noai "}) {
    EXPECT_TRUE(ForbidsAi(tag)) << tag;
  }
  for (const char* tag : {"", "noindex", "noaim", "max-snippet: 1"}) {
    EXPECT_FALSE(ForbidsAi(tag)) << tag;
  }
}

}  // namespace
}  // namespace imgbatch
