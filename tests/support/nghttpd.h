// Debian's nghttpd as an HTTP/2 origin over TLS, with a certificate made for
// the occasion by openssl.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace imgbatch::testing {

class Nghttpd {
 public:
  // Serves the files "0" … "<files - 1>" of `bytes` bytes each.
  Nghttpd(int files, int bytes);
  ~Nghttpd();
  Nghttpd(const Nghttpd&) = delete;
  Nghttpd& operator=(const Nghttpd&) = delete;

  // False when one of the two programs is not installed: skip the test.
  bool running() const { return child_ > 0; }
  uint16_t port() const { return port_; }
  // The certificate, for "localhost" and 127.0.0.1.
  std::string ca_file() const { return directory_ + "/cert.pem"; }

 private:
  std::string directory_;
  uint16_t port_ = 0;
  pid_t child_ = -1;
};

}  // namespace imgbatch::testing
