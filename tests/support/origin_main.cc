// test_origin [DIRECTORY] [--port N] [--bind ADDRESS] [--latency-ms N]
//             [--log FILE]
// test_origin --relay-to PORT [--latency-ms N]
//
// The second form passes the bytes of another server on, with that round trip
// time: for HTTP/2, which it does not speak itself.
//
// Prints "listening on http://ADDRESS:PORT" and serves until SIGTERM or SIGINT,
// or until standard input, when that is a pipe, closes. What it serves and
// plays: tests/support/origin.h.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/origin.h"
#include "tests/support/relay.h"

namespace {

int Usage() {
  std::fputs(
      "usage: test_origin [DIRECTORY] [--port N] [--bind ADDRESS]\n"
      "                   [--latency-ms N] [--log FILE]\n"
      "       test_origin --relay-to PORT [--latency-ms N]\n",
      stderr);
  return 2;
}

bool IsPipe(int file) {
  struct stat about {};
  return fstat(file, &about) == 0 &&
         (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode));
}

}  // namespace

int main(int argc, char** argv) {
  imgbatch::testing::OriginOptions options;
  imgbatch::testing::RelayOptions relaying;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!word.starts_with("--")) {
      options.directory = word;
      continue;
    }
    if (++i == argc) return Usage();
    const char* value = argv[i];
    if (word == "--port") {
      options.port = static_cast<uint16_t>(std::atoi(value));
    } else if (word == "--relay-to") {
      relaying.target = static_cast<uint16_t>(std::atoi(value));
    } else if (word == "--bind") {
      options.address = value;
    } else if (word == "--latency-ms") {
      options.latency_ms = std::atoi(value);
    } else if (word == "--log") {
      options.log_path = value;
    } else {
      return Usage();
    }
  }
  // Blocked before the server's thread starts, so that it inherits the mask.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  std::optional<imgbatch::testing::Relay> relay;
  std::optional<imgbatch::testing::Origin> origin;
  if (relaying.target != 0) {
    relaying.one_way_ms = options.latency_ms / 2;
    relay.emplace(relaying);
    std::printf("listening on 127.0.0.1:%d\n", relay->port());
  } else {
    origin.emplace(options);
    std::printf("listening on %s\n", origin->Url("").c_str());
  }
  std::fflush(stdout);

  const int signals = signalfd(-1, &ends, SFD_CLOEXEC);
  pollfd watched[] = {{signals, POLLIN, 0},
                      {IsPipe(STDIN_FILENO) ? STDIN_FILENO : -1, POLLIN, 0}};
  while (poll(watched, 2, -1) >= 0) {
    if (watched[0].revents != 0) break;
    char dropped[4096];
    if (watched[1].revents != 0 &&
        read(STDIN_FILENO, dropped, sizeof dropped) <= 0) {
      break;
    }
  }
  return 0;
}
