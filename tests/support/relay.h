// A TCP relay on loopback that adds latency, and can break what it carries:
// for servers that cannot do either themselves. One thread.
#pragma once

#include <cstdint>
#include <memory>

namespace imgbatch::testing {

struct RelayOptions {
  uint16_t target = 0;  // Port on 127.0.0.1.
  int one_way_ms = 0;   // Each way: the round trip is twice that.
  // Connections end after so many bytes towards the client; 0: never.
  uint64_t cut_after = 0;
};

class Relay {
 public:
  explicit Relay(const RelayOptions& options);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  uint16_t port() const;
  int connections() const;  // Accepted so far.

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace imgbatch::testing
