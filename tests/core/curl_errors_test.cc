#include "core/curl_errors.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

namespace imgbatch {
namespace {

constexpr auto kResolving = HttpProgress::kResolving;
constexpr auto kConnecting = HttpProgress::kConnecting;
constexpr auto kAsked = HttpProgress::kAsked;
constexpr auto kAnswering = HttpProgress::kAnswering;

struct Case {
  CURLcode curl;
  HttpProgress progress;
  FailureCode code;
};

TEST(CurlErrors, GivesEachErrorItsCode) {
  const Case cases[] = {
      {CURLE_URL_MALFORMAT, kResolving, FailureCode::kInvalidUrl},
      {CURLE_UNSUPPORTED_PROTOCOL, kResolving, FailureCode::kInvalidUrl},
      {CURLE_UNSUPPORTED_PROTOCOL, kAsked, FailureCode::kBadResponse},
      {CURLE_COULDNT_RESOLVE_HOST, kResolving, FailureCode::kDnsFailure},
      {CURLE_COULDNT_RESOLVE_PROXY, kResolving, FailureCode::kDnsFailure},
      {CURLE_COULDNT_CONNECT, kConnecting, FailureCode::kConnectFailed},
      {CURLE_PROXY, kConnecting, FailureCode::kConnectFailed},
      {CURLE_OPERATION_TIMEDOUT, kResolving, FailureCode::kDnsFailure},
      {CURLE_OPERATION_TIMEDOUT, kConnecting, FailureCode::kConnectFailed},
      {CURLE_OPERATION_TIMEDOUT, kAsked, FailureCode::kTimeout},
      {CURLE_OPERATION_TIMEDOUT, kAnswering, FailureCode::kTimeout},
      {CURLE_GOT_NOTHING, kAsked, FailureCode::kConnectFailed},
      {CURLE_SEND_ERROR, kAsked, FailureCode::kConnectFailed},
      {CURLE_RECV_ERROR, kConnecting, FailureCode::kConnectFailed},
      {CURLE_RECV_ERROR, kAsked, FailureCode::kConnectFailed},
      {CURLE_RECV_ERROR, kAnswering, FailureCode::kTruncated},
      {CURLE_PARTIAL_FILE, kAnswering, FailureCode::kTruncated},
      {CURLE_HTTP2, kAnswering, FailureCode::kTruncated},
      {CURLE_HTTP2_STREAM, kAnswering, FailureCode::kTruncated},
      {CURLE_HTTP2_STREAM, kAsked, FailureCode::kConnectFailed},
      {CURLE_SSL_CONNECT_ERROR, kConnecting, FailureCode::kTlsError},
      {CURLE_PEER_FAILED_VERIFICATION, kConnecting, FailureCode::kTlsError},
      {CURLE_SSL_CACERT_BADFILE, kConnecting, FailureCode::kTlsError},
      {CURLE_SSL_CERTPROBLEM, kConnecting, FailureCode::kTlsError},
      {CURLE_FILESIZE_EXCEEDED, kAnswering, FailureCode::kTooLarge},
      {CURLE_WEIRD_SERVER_REPLY, kAsked, FailureCode::kBadResponse},
      {CURLE_BAD_CONTENT_ENCODING, kAnswering, FailureCode::kBadResponse},
      {CURLE_OUT_OF_MEMORY, kConnecting, FailureCode::kConnectFailed},
      {CURLE_WRITE_ERROR, kAnswering, FailureCode::kBadResponse},
      {CURLE_FTP_WEIRD_PASV_REPLY, kConnecting, FailureCode::kConnectFailed},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(VerdictOn(c.curl, c.progress).code, c.code)
        << curl_easy_strerror(c.curl);
  }
}

TEST(CurlErrors, HasASentenceForEveryError) {
  for (int code = 1; code < CURL_LAST; ++code) {
    for (const HttpProgress progress :
         {kResolving, kConnecting, kAsked, kAnswering}) {
      EXPECT_FALSE(VerdictOn(code, progress).sentence.empty()) << code;
    }
  }
}

}  // namespace
}  // namespace imgbatch
