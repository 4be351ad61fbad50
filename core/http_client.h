// The HTTP port: one request, one answer; redirects are returned, not
// followed; retries, judgement and politeness are others' business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/body.h"
#include "core/clock.h"
#include "core/failure.h"
#include "core/hash.h"

namespace imgbatch {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string url;
  std::vector<HttpHeader> headers;  // If-None-Match, tokens of a CDN …
  // Bytes of body; more ends the transfer with kTooLarge.
  uint64_t max_bytes = uint64_t{50} << 20;
  Milliseconds timeout{30'000};          // The whole try.
  Milliseconds connect_timeout{10'000};  // Name look-up included.
  // Ends with kStalled when slower than this over that time.
  uint32_t stall_bytes_per_second = 1024;
  Milliseconds stall_time{10'000};
  // Asked on the HTTP thread with the address of every new connection and of
  // every reuse. False ends the request with kBlockedAddress before a byte is
  // sent. Empty: everything is allowed.
  std::function<bool(const IpAddress&)> allows;
};

struct HttpResponse {
  int status = 0;
  int version = 11;  // 10, 11 or 20.
  bool reused_connection = false;
  Body body;
  Sha256 body_hash{};
  // Header values as received; empty when absent.
  std::optional<uint64_t> content_length;  // As announced.
  std::string content_type;
  std::string content_encoding;
  std::string location;
  std::string etag;
  std::string last_modified;
  std::string retry_after;
  std::string date;
  std::string robots_tag;
};

// The transport gave up. The code is one of kDnsFailure, kConnectFailed,
// kTlsError, kTimeout, kStalled, kTruncated, kTooLarge, kBlockedAddress,
// kBadResponse or kInvalidUrl.
struct HttpFailure {
  Failure failure;
  bool connected = false;   // A connection had been made.
  uint64_t downloaded = 0;  // Bytes of body received in vain.
};

// The request was cancelled before it ended.
struct HttpCancelled {
  uint64_t downloaded = 0;
};

using HttpAnswer = std::variant<HttpResponse, HttpFailure, HttpCancelled>;

// Called exactly once per request, on the client's thread; must not block and
// must not call the client.
using HttpCompletion = std::function<void(HttpAnswer)>;

struct HttpStatistics {
  uint64_t requests = 0;
  uint64_t connections = 0;  // New ones; the rest were reuses.
  uint64_t bytes = 0;        // Of bodies.
};

// Thread-safe; never blocks the caller.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual void Send(HttpRequest request, HttpCompletion done) = 0;
  // Ends everything sent so far with HttpCancelled, soon.
  virtual void CancelAll() = 0;
  virtual HttpStatistics Statistics() const = 0;
};

}  // namespace imgbatch
