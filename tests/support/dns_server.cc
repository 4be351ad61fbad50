#include "tests/support/dns_server.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace imgbatch::testing {
namespace {

constexpr int kA = 1;
constexpr int kAaaa = 28;

std::vector<std::string> Split(const std::string& text, char at) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find(at, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

std::string FromHex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(
        std::strtol(digits.substr(i, 2).c_str(), nullptr, 16));
  }
  return bytes;
}

}  // namespace

DnsServer::DnsServer(const std::string& address) {
  socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(53);
  inet_pton(AF_INET, address.c_str(), &in.sin_addr);
  if (bind(socket_, reinterpret_cast<sockaddr*>(&in), sizeof in) != 0) {
    std::perror("dns server: bind");
    std::exit(1);
  }
  wake_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Run(); });
}

DnsServer::~DnsServer() {
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0) std::abort();
  thread_.join();
  close(socket_);
  close(wake_);
}

void DnsServer::Run() {
  while (true) {
    pollfd files[] = {{wake_, POLLIN, 0}, {socket_, POLLIN, 0}};
    poll(files, 2, -1);
    if (files[0].revents != 0) return;
    char query[1500];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* generic = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got =
        recvfrom(socket_, query, sizeof query, 0, generic, &size);
    if (got < 17) continue;
    const std::string answer =
        Answer(std::string_view(query, static_cast<size_t>(got)));
    if (!answer.empty()) {
      sendto(socket_, answer.data(), answer.size(), 0, generic, size);
    }
  }
}

std::string DnsServer::Answer(std::string_view query) {
  std::string name;
  size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<unsigned char>(query[at]);
    if (!name.empty()) name += '.';
    name += query.substr(at + 1, length);
    at += length + size_t{1};
  }
  if (at + 5 > query.size()) return "";
  const int type = static_cast<unsigned char>(query[at + 2]);
  if (name.find("hang") != std::string::npos) return "";

  bool known = false;
  const std::vector<std::string> records = Records(name, type, known);
  std::string answer(query.substr(0, at + 5));
  answer[2] = '\x81';                   // Response, recursion desired.
  answer[3] = known ? '\x80' : '\x83';  // Available; no such name.
  answer[6] = 0;
  answer[7] = static_cast<char>(records.size());
  std::fill(answer.begin() + 8, answer.begin() + 12, '\0');
  for (const std::string& record : records) {
    answer += '\xc0';  // The name of the question.
    answer += '\x0c';
    answer += '\0';
    answer += static_cast<char>(type);
    answer += std::string("\0\1\0\0\0\0\0", 7);  // Internet, no time to live.
    answer += static_cast<char>(record.size());
    answer += record;
  }
  return answer;
}

std::vector<std::string> DnsServer::Records(const std::string& name, int type,
                                            bool& known) {
  std::vector<std::string> records;
  for (const std::string& label : Split(name, '.')) {
    const std::vector<std::string> parts = Split(label, '-');
    const std::vector<std::string> digits(parts.begin() + 1, parts.end());
    if (parts[0] == "a" || parts[0] == "aaaa") {
      known = true;
      if (type != (parts[0] == "a" ? kA : kAaaa)) continue;
      for (const std::string& one : digits) records.push_back(FromHex(one));
    } else if (parts[0] == "rebind" && digits.size() == 2) {
      known = true;
      if (type != kA) continue;
      records.push_back(FromHex(digits[asked_[name]++ == 0 ? 0 : 1]));
    }
  }
  return records;
}

}  // namespace imgbatch::testing
