#include "core/curl_errors.h"

#include <curl/curl.h>

namespace imgbatch {
namespace {

// A connection that broke: what it means depends on what had come by then.
CurlVerdict Broken(HttpProgress progress) {
  switch (progress) {
    case HttpProgress::kResolving:
    case HttpProgress::kConnecting:
      return {FailureCode::kConnectFailed,
              "the connection was closed while it was being made"};
    case HttpProgress::kAsked:
      return {FailureCode::kConnectFailed,
              "the server closed the connection without an answer"};
    case HttpProgress::kAnswering:
      break;
  }
  return {FailureCode::kTruncated,
          "the connection broke before the body was complete"};
}

CurlVerdict TimedOut(HttpProgress progress) {
  switch (progress) {
    case HttpProgress::kResolving:
      return {FailureCode::kDnsFailure, "the name look-up took too long"};
    case HttpProgress::kConnecting:
      return {FailureCode::kConnectFailed, "no connection within the time"};
    case HttpProgress::kAsked:
      return {FailureCode::kTimeout, "no answer within the time"};
    case HttpProgress::kAnswering:
      break;
  }
  return {FailureCode::kTimeout, "the body did not end within the time"};
}

}  // namespace

CurlVerdict VerdictOn(int curl_code, HttpProgress progress) {
  const bool connected = progress >= HttpProgress::kAsked;
  switch (curl_code) {
    case CURLE_URL_MALFORMAT:
      return {FailureCode::kInvalidUrl, "not a valid URL"};
    case CURLE_UNSUPPORTED_PROTOCOL:
      // After a connection this is HTTP/0.9: bytes without a header.
      if (connected) {
        return {FailureCode::kBadResponse, "the server does not speak HTTP"};
      }
      return {FailureCode::kInvalidUrl, "only http and https URLs are fetched"};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {FailureCode::kDnsFailure, "the host name was not found"};
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {FailureCode::kDnsFailure, "the proxy's name was not found"};
    case CURLE_COULDNT_CONNECT:
      return {FailureCode::kConnectFailed, "the host refused the connection"};
    case CURLE_PROXY:
      return {FailureCode::kConnectFailed, "the proxy made no connection"};
    case CURLE_OPERATION_TIMEDOUT:
      return TimedOut(progress);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
      return Broken(progress);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_USE_SSL_FAILED:
      return {FailureCode::kTlsError, "no TLS connection could be made"};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {FailureCode::kTlsError, "the host's certificate is not valid"};
    case CURLE_SSL_CACERT_BADFILE:
      return {FailureCode::kTlsError,
              "the file of trusted certificates cannot be read"};
    case CURLE_FILESIZE_EXCEEDED:
      return {FailureCode::kTooLarge, "the body is larger than allowed"};
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return {FailureCode::kBadResponse, "the answer is not valid HTTP"};
    case CURLE_OUT_OF_MEMORY:
      return {FailureCode::kConnectFailed, "out of memory"};
    default:
      break;
  }
  if (!connected) {
    return {FailureCode::kConnectFailed, "the connection failed"};
  }
  return {FailureCode::kBadResponse, "the transfer failed"};
}

}  // namespace imgbatch
