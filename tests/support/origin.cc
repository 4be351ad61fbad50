#include "tests/support/origin.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <queue>
#include <thread>
#include <unordered_map>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/origin_plays.h"

namespace imgbatch::testing {
namespace {

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "test origin: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

using Steady = std::chrono::steady_clock;

bool IsWord(std::string_view a, std::string_view lower) {
  return std::equal(
      a.begin(), a.end(), lower.begin(), lower.end(),
      [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

}  // namespace

std::string OriginRequest::Header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos &&
        IsWord(line.substr(0, colon), name)) {
      const size_t value = line.find_first_not_of(" \t", colon + 1);
      return value == std::string_view::npos ? ""
                                             : std::string(line.substr(value));
    }
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return "";
}

class Origin::Server {
 public:
  explicit Server(OriginOptions options)
      : options_(std::move(options)), plays_(options_.directory) {
    if (!options_.log_path.empty()) {
      log_file_ = std::fopen(options_.log_path.c_str(), "ae");
      if (log_file_ == nullptr) Fail("cannot open the log");
    }
    Listen();
    thread_ = std::thread([this] { Serve(); });
  }

  ~Server() {
    const uint64_t one = 1;
    if (write(wake_, &one, sizeof one) < 0) Fail("cannot wake up");
    thread_.join();
    while (!connections_.empty()) Drop(connections_.begin()->first);
    close(listener_);
    close(epoll_);
    close(wake_);
    if (log_file_ != nullptr) std::fclose(log_file_);
  }

  const std::string& base() const { return base_; }
  uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }
  int most() const { return most_; }
  std::vector<OriginRequest> Requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  struct Connection {
    int number = 0;
    std::string in;
    std::deque<Step> out;
    uint64_t sent = 0;  // Of the first step.
    bool waiting = false;
    bool closing = false;  // After the steps.
    bool wants_out = false;
  };
  struct Timer {
    Steady::time_point due;
    int socket;
    int number;  // Sockets are used again.
    bool operator>(const Timer& other) const { return due > other.due; }
  };

  void Listen();
  void Serve();
  void Accept();
  void Read(int socket);
  void Advance(int socket);
  bool ParseOne(Connection& connection);
  // False: the socket takes no more now, or the connection is gone.
  bool Perform(int socket, Connection& connection);
  void Drop(int socket, bool reset = false);
  void Record(OriginRequest request);

  OriginOptions options_;
  Plays plays_;
  int listener_ = -1;
  int epoll_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  std::string base_;
  const Steady::time_point started_ = Steady::now();
  std::unordered_map<int, Connection> connections_;  // By socket.
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::FILE* log_file_ = nullptr;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> most_ = 0;
  mutable std::mutex mutex_;
  std::vector<OriginRequest> requests_;  // Guarded by mutex_.
  std::thread thread_;
};

void Origin::Server::Listen() {
  const bool v6 = options_.address.find(':') != std::string::npos;
  listener_ = socket(v6 ? AF_INET6 : AF_INET,
                     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener_ < 0) Fail("cannot make a socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage address{};
  socklen_t size = sizeof(sockaddr_in);
  if (v6) {
    auto* in = reinterpret_cast<sockaddr_in6*>(&address);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(options_.port);
    inet_pton(AF_INET6, options_.address.c_str(), &in->sin6_addr);
    size = sizeof(sockaddr_in6);
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&address);
    in->sin_family = AF_INET;
    in->sin_port = htons(options_.port);
    inet_pton(AF_INET, options_.address.c_str(), &in->sin_addr);
  }
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, size) != 0) Fail("cannot bind");
  if (listen(listener_, 1024) != 0) Fail("cannot listen");
  size = sizeof address;
  getsockname(listener_, generic, &size);
  port_ = ntohs(v6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  base_ = fmt::format(fmt::runtime(v6 ? "http://[{}]:{}" : "http://{}:{}"),
                      options_.address, port_);

  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  for (const int file : {listener_, wake_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = file;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, file, &event) != 0) Fail("epoll");
  }
}

void Origin::Server::Serve() {
  std::vector<epoll_event> events(512);
  while (true) {
    int timeout = -1;
    if (!timers_.empty()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          timers_.top().due - Steady::now());
      timeout = static_cast<int>(std::max<int64_t>(left.count(), 0));
    }
    const int count = epoll_wait(epoll_, events.data(),
                                 static_cast<int>(events.size()), timeout);
    for (int i = 0; i < count; ++i) {
      const int file = events[static_cast<size_t>(i)].data.fd;
      const uint32_t what = events[static_cast<size_t>(i)].events;
      if (file == wake_) return;
      if (file == listener_) {
        Accept();
        continue;
      }
      if ((what & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Read(file);
      if ((what & EPOLLOUT) != 0) Advance(file);
    }
    while (!timers_.empty() && timers_.top().due <= Steady::now()) {
      const Timer timer = timers_.top();
      timers_.pop();
      const auto at = connections_.find(timer.socket);
      if (at == connections_.end() || at->second.number != timer.number) {
        continue;
      }
      at->second.waiting = false;
      Advance(timer.socket);
    }
    if (log_file_ != nullptr) std::fflush(log_file_);
  }
}

void Origin::Server::Accept() {
  while (true) {
    const int socket =
        accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
    connections_[socket].number = ++accepted_;
    most_ = std::max(most_.load(), static_cast<int>(connections_.size()));
  }
}

void Origin::Server::Read(int socket) {
  const auto at = connections_.find(socket);
  if (at == connections_.end()) return;
  char buffer[16384];
  const ssize_t got = recv(socket, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // A client that goes away ends whatever was being played for it.
  if (got <= 0) return Drop(socket);
  Connection& connection = at->second;
  connection.in.append(buffer, static_cast<size_t>(got));
  if (connection.in.size() > (1 << 20)) return Drop(socket);
  Advance(socket);
}

void Origin::Server::Advance(int socket) {
  while (true) {
    const auto at = connections_.find(socket);
    if (at == connections_.end()) return;
    Connection& connection = at->second;
    if (connection.waiting) return;
    if (connection.out.empty()) {
      if (connection.closing) return Drop(socket);
      if (!ParseOne(connection)) return;
    }
    if (!Perform(socket, connection)) return;
  }
}

bool Origin::Server::ParseOne(Connection& connection) {
  // A TLS client; a server without TLS answers in its own language.
  if (!connection.in.empty() && connection.in[0] == 0x16) {
    const auto answer =
        std::make_shared<const std::string>("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.in.clear();
    connection.closing = true;
    connection.out.push_back({Step::Kind::kSend, answer, answer->size()});
    return true;
  }
  const size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  OriginRequest request;
  request.connection = connection.number;
  request.at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      Steady::now() - started_)
                      .count();
  request.head = connection.in.substr(0, end + 2);
  connection.in.erase(0, end + 4);
  const std::string_view line =
      std::string_view(request.head).substr(0, request.head.find("\r\n"));
  const size_t first = line.find(' ');
  const size_t second = line.rfind(' ');
  if (first == std::string_view::npos || second <= first) {
    connection.closing = true;
    return true;
  }
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, second - first - 1);
  // A proxy is asked for a whole URL.
  if (const size_t at = request.target.find("://"); at < 8) {
    const size_t path = request.target.find('/', at + 3);
    request.target =
        path == std::string::npos ? "/" : request.target.substr(path);
  }
  Play play = plays_.For(request);
  request.status = play.status;
  const std::string keep = request.Header("connection");
  connection.closing = IsWord(keep, "close") ||
                       (line.ends_with("/1.0") && !IsWord(keep, "keep-alive"));
  connection.out.assign(std::make_move_iterator(play.steps.begin()),
                        std::make_move_iterator(play.steps.end()));
  if (options_.latency_ms > 0) {
    connection.out.push_front({Step::Kind::kWait, nullptr,
                               static_cast<uint64_t>(options_.latency_ms)});
  }
  Record(std::move(request));
  return true;
}

bool Origin::Server::Perform(int socket, Connection& connection) {
  while (!connection.out.empty()) {
    Step& step = connection.out.front();
    switch (step.kind) {
      case Step::Kind::kWait:
        connection.waiting = true;
        timers_.push({Steady::now() + std::chrono::milliseconds(step.count),
                      socket, connection.number});
        connection.out.pop_front();
        return false;
      case Step::Kind::kHang:
        return false;
      case Step::Kind::kClose:
      case Step::Kind::kReset:
        Drop(socket, step.kind == Step::Kind::kReset);
        return false;
      case Step::Kind::kSend:
        break;
    }
    if (connection.sent >= step.count) {
      connection.sent = 0;
      connection.out.pop_front();
      continue;
    }
    const size_t at = connection.sent % step.bytes->size();
    const auto size = static_cast<size_t>(std::min<uint64_t>(
        step.bytes->size() - at, step.count - connection.sent));
    const bool more = connection.out.size() > 1 &&
                      connection.out[1].kind == Step::Kind::kSend;
    const ssize_t sent = send(socket, step.bytes->data() + at, size,
                              MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      Drop(socket);
      return false;
    }
    if (sent > 0) connection.sent += static_cast<uint64_t>(sent);
    const bool blocked = sent < 0;
    if (blocked != connection.wants_out) {
      connection.wants_out = blocked;
      epoll_event event{};
      event.events = EPOLLIN | (blocked ? EPOLLOUT : 0U);
      event.data.fd = socket;
      epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event);
    }
    if (blocked) return false;
  }
  return true;
}

void Origin::Server::Drop(int socket, bool reset) {
  if (reset) {
    const linger now{1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(socket);
  connections_.erase(socket);
}

void Origin::Server::Record(OriginRequest request) {
  if (log_file_ != nullptr) {
    fmt::print(log_file_, "{} {} {} {} {} {}\n", request.connection,
               request.at_ms, request.method, request.target, request.status,
               request.Header("if-none-match").empty() &&
                       request.Header("if-modified-since").empty()
                   ? "-"
                   : "conditional");
  }
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(request));
}

Origin::Origin(OriginOptions options)
    : server_(std::make_unique<Server>(std::move(options))) {}
Origin::~Origin() = default;
uint16_t Origin::port() const { return server_->port(); }
std::string Origin::Url(std::string_view path) const {
  return server_->base() + std::string(path);
}
std::vector<OriginRequest> Origin::Requests() const {
  return server_->Requests();
}
int Origin::connections() const { return server_->accepted(); }
int Origin::most_connections() const { return server_->most(); }

}  // namespace imgbatch::testing
