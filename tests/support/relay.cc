#include "tests/support/relay.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace imgbatch::testing {
namespace {

using Steady = std::chrono::steady_clock;

void Check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "relay: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void NoDelay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

class Relay::Impl {
 public:
  explicit Impl(const RelayOptions& options) : options_(options) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    Check(bind(listener_, generic, sizeof address) == 0, "bind");
    Check(listen(listener_, 256) == 0, "listen");
    socklen_t size = sizeof address;
    getsockname(listener_, generic, &size);
    port_ = ntohs(address.sin_port);
    wake_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { Run(); });
  }
  ~Impl() {
    const uint64_t one = 1;
    Check(write(wake_, &one, sizeof one) == sizeof one, "wake");
    thread_.join();
    for (Pair& pair : pairs_) Close(pair);
    close(listener_);
    close(wake_);
  }
  uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  struct Piece {
    Steady::time_point due;
    std::string bytes;  // Empty: the sender closed.
  };
  struct Side {
    int socket = -1;
    std::deque<Piece> to_send;  // What the other side sent.
    bool ended = false;         // It sent all it had.
  };
  struct Pair {
    Side client;
    Side server;
    uint64_t to_client = 0;
    bool over = false;
  };

  void Run();
  void Accept();
  void Receive(Side& from, Side& to);
  void Deliver(Pair& pair, Side& to, uint64_t* counted);
  void Close(Pair& pair) {
    close(pair.client.socket);
    close(pair.server.socket);
  }

  const RelayOptions options_;
  int listener_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::list<Pair> pairs_;
  std::thread thread_;
};

void Relay::Impl::Run() {
  while (true) {
    std::vector<pollfd> files = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    auto next = Steady::now() + std::chrono::seconds(10);
    for (Pair& pair : pairs_) {
      for (Side* side : {&pair.client, &pair.server}) {
        const bool due = !side->to_send.empty() &&
                         side->to_send.front().due <= Steady::now();
        if (!side->to_send.empty() && !due) {
          next = std::min(next, side->to_send.front().due);
        }
        const int wanted = (side->ended ? 0 : POLLIN) | (due ? POLLOUT : 0);
        files.push_back({side->socket, static_cast<short>(wanted), 0});
      }
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now());
    poll(files.data(), files.size(),
         static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (files[0].revents != 0) return;
    size_t at = 2;
    for (Pair& pair : pairs_) {
      if ((files[at++].revents & ~POLLOUT) != 0) {
        Receive(pair.client, pair.server);
      }
      if ((files[at++].revents & ~POLLOUT) != 0) {
        Receive(pair.server, pair.client);
      }
      Deliver(pair, pair.client, &pair.to_client);
      Deliver(pair, pair.server, nullptr);
      if (pair.over) Close(pair);
    }
    pairs_.remove_if([](const Pair& pair) { return pair.over; });
    if (files[1].revents != 0) Accept();
  }
}

void Relay::Impl::Accept() {
  const int client =
      accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (client < 0) return;
  ++accepted_;
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(options_.target);
  if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) !=
      0) {
    close(client);
    close(server);
    return;
  }
  fcntl(server, F_SETFL, O_NONBLOCK);
  NoDelay(client);
  NoDelay(server);
  Pair& pair = pairs_.emplace_back();
  pair.client.socket = client;
  pair.server.socket = server;
}

void Relay::Impl::Receive(Side& from, Side& to) {
  if (from.ended) return;
  std::string bytes(65536, '\0');
  const ssize_t got = recv(from.socket, bytes.data(), bytes.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  from.ended = got <= 0;
  bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  to.to_send.push_back(
      {Steady::now() + std::chrono::milliseconds(options_.one_way_ms),
       std::move(bytes)});
}

void Relay::Impl::Deliver(Pair& pair, Side& to, uint64_t* counted) {
  while (!to.to_send.empty() && to.to_send.front().due <= Steady::now()) {
    std::string& bytes = to.to_send.front().bytes;
    if (bytes.empty()) {
      pair.over = true;
      return;
    }
    size_t size = bytes.size();
    if (counted != nullptr && options_.cut_after > 0) {
      size = std::min<uint64_t>(size, options_.cut_after - *counted);
    }
    const ssize_t sent = send(to.socket, bytes.data(), size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      pair.over = true;
      return;
    }
    bytes.erase(0, static_cast<size_t>(sent));
    if (counted != nullptr) {
      *counted += static_cast<uint64_t>(sent);
      if (options_.cut_after > 0 && *counted >= options_.cut_after) {
        pair.over = true;
        return;
      }
    }
    if (bytes.empty()) to.to_send.pop_front();
  }
}

Relay::Relay(const RelayOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
Relay::~Relay() = default;
uint16_t Relay::port() const { return impl_->port(); }
int Relay::connections() const { return impl_->accepted(); }

}  // namespace imgbatch::testing
