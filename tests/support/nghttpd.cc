#include "tests/support/nghttpd.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace imgbatch::testing {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

uint16_t FreePort() {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(file, generic, size) == 0) getsockname(file, generic, &size);
  close(file);
  return ntohs(address.sin_port);
}

bool Listens(uint16_t port) {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(port);
  const bool good =
      connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(file);
  return good;
}

}  // namespace

Nghttpd::Nghttpd(int files, int bytes) {
  std::string name =
      (std::filesystem::temp_directory_path() / "imgbatch-h2-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return;
  directory_ = name;
  const std::string make_certificate =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
      "-days 2 -subj /CN=localhost "
      "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
      directory_ + "/key.pem -out " + directory_ + "/cert.pem 2>/dev/null";
  if (std::system(make_certificate.c_str()) != 0) return;
  if (std::system("command -v nghttpd >/dev/null") != 0) return;
  std::filesystem::create_directory(directory_ + "/files");
  for (int i = 0; i < files; ++i) {
    std::ofstream(directory_ + "/files/" + std::to_string(i))
        << std::string(static_cast<size_t>(bytes), static_cast<char>(i));
  }
  port_ = FreePort();
  const std::string port = std::to_string(port_);
  child_ = fork();
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("nghttpd", "nghttpd", "-d", (directory_ + "/files").c_str(),
           "--address=127.0.0.1", port.c_str(),
           (directory_ + "/key.pem").c_str(),
           (directory_ + "/cert.pem").c_str(), nullptr);
    _exit(127);
  }
  for (int tries = 0; tries < 500 && !Listens(port_); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Nghttpd::~Nghttpd() {
  if (child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  std::error_code error;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, error);
}

}  // namespace imgbatch::testing
