// fetch_bench BASE_URL [COUNT] [IN_FLIGHT] [CA_FILE]
//
// Fetches BASE_URL followed by 0 … COUNT-1 with so many requests in flight and
// prints the rate, the bytes and the connections. Measures the HTTP client
// alone: nothing is decoded or stored.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include <sys/resource.h>

#include "core/curl_client.h"
#include "core/queue.h"

namespace imgbatch {
namespace {

struct Totals {
  int failed = 0;
  int http2 = 0;
};

Totals FetchAll(HttpClient& client, const std::string& base, int count,
                int in_flight) {
  Totals totals;
  Queue<HttpAnswer> answers;
  int sent = 0;
  for (int done = 0; done < count;) {
    for (; sent < count && sent - done < in_flight; ++sent) {
      HttpRequest request;
      request.url = base + std::to_string(sent);
      client.Send(std::move(request), [&answers](HttpAnswer answer) {
        answers.Push(std::move(answer));
      });
    }
    for (const HttpAnswer& answer : answers.TakeAll(std::chrono::seconds(1))) {
      const auto* response = std::get_if<HttpResponse>(&answer);
      if (response == nullptr || response->status != 200) ++totals.failed;
      if (response != nullptr && response->version == 20) ++totals.http2;
      ++done;
    }
  }
  return totals;
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: fetch_bench BASE_URL [COUNT] [IN_FLIGHT] [CA_FILE]\n",
               stderr);
    return 2;
  }
  const int count = argc > 2 ? std::atoi(argv[2]) : 10'000;
  const int in_flight = argc > 3 ? std::atoi(argv[3]) : 6;
  CurlOptions options;
  if (argc > 4) options.ca_file = argv[4];
  CurlClient client(options);
  const auto begun = std::chrono::steady_clock::now();
  const Totals totals = FetchAll(client, argv[1], count, in_flight);
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begun;
  const HttpStatistics statistics = client.Statistics();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "%d requests, %d in flight: %.2f s, %.0f/s, %.1f MB/s, %llu "
      "connections, %d over HTTP/2, %d failed, cpu %.2f s, peak %ld MiB\n",
      count, in_flight, took.count(), count / took.count(),
      static_cast<double>(statistics.bytes) / 1e6 / took.count(),
      static_cast<unsigned long long>(statistics.connections), totals.http2,
      totals.failed,
      static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
          static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) /
              1e6,
      usage.ru_maxrss / 1024);
  return totals.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace imgbatch

int main(int argc, char** argv) { return imgbatch::Main(argc, argv); }
