// HttpClient over libcurl: one thread ("imgbatch-http") with an epoll loop and
// a curl_multi that keeps connections and shares HTTP/2 ones.
//
// Scheduling per host is the caller's: what is sent is begun at once.
// Connections are reused for 30 s; DNS answers for 60 s. Names are looked up
// by libcurl's resolver threads; those of requests that gave up go on by
// themselves until the system's resolver gives up too.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/http_client.h"

namespace imgbatch {

struct CurlOptions {
  // Sent unless a request brings a User-Agent of its own.
  std::string user_agent = "imgbatch/" IMGBATCH_VERSION;
  // "http://proxy:3128", "socks5h://…"; empty: none, whatever the environment
  // says. Through a proxy only addresses in URLs can be judged: the proxy
  // resolves the names.
  std::string proxy;
  // PEM file of trusted certificates; empty: the system's.
  std::string ca_file;
  // Where bodies above `memory_bytes` go, as unlinked files; without a
  // Content-Length already those above 64 KiB. Not /tmp, which is memory on
  // many machines.
  std::string temporary_directory = "/var/tmp";
  size_t memory_bytes = size_t{1} << 20;
  // Header bytes of one answer, interim answers and trailers included.
  size_t max_header_bytes = 64 << 10;
  // Idle connections kept, all hosts.
  long max_connections = 128;
  // HTTP/2 streams on one connection at a time.
  long max_streams = 32;
  // Name look-ups under way, those of requests that gave up included: beyond
  // it a request to a new host fails with kDnsFailure. Hanging ones count for
  // `look_up_ends`, which is longer than glibc's usual 2 tries of 5 s with 3
  // servers.
  int max_look_ups = 256;
  Milliseconds look_up_ends{40'000};
};

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(CurlOptions options = {});
  // Cancels what is under way, whose completions are still called, and joins
  // the thread.
  ~CurlClient() override;
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  void Send(HttpRequest request, HttpCompletion done) override;
  void CancelAll() override;
  HttpStatistics Statistics() const override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace imgbatch
