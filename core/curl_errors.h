// What a libcurl error says about an image. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/failure.h"

namespace imgbatch {

// How far a request had come when it ended.
enum class HttpProgress : uint8_t {
  kResolving,   // The host's name is being looked up.
  kConnecting,  // TCP, proxy or TLS.
  kAsked,       // The request is under way; no header was complete.
  kAnswering,   // The header is complete.
};

// `curl_code` is a CURLcode. The sentence speaks of the server, not of curl.
struct CurlVerdict {
  FailureCode code;
  std::string_view sentence;
};
CurlVerdict VerdictOn(int curl_code, HttpProgress progress);

}  // namespace imgbatch
