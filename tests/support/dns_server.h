// A tiny DNS server over UDP for tests in a network namespace. One thread.
//
//   a-5db8d822.test          A 93.184.216.34 (eight hexadecimal digits; several
//                            groups make several records)
//   aaaa-<32 digits>.test    AAAA, the same way
//   rebind-<8>-<8>.test      A: the first address once, then the second
//   hang….test               no answer
//   everything else          no such name
//
// A label before these (x1.a-5db8d822.test) tells names apart.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace imgbatch::testing {

class DnsServer {
 public:
  // Ends the process when the address (with port 53) cannot be used.
  explicit DnsServer(const std::string& address);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

 private:
  void Run();
  // Empty: no answer.
  std::string Answer(std::string_view query);
  std::vector<std::string> Records(const std::string& name, int type,
                                   bool& known);

  int socket_ = -1;
  int wake_ = -1;
  std::map<std::string, int> asked_;  // For A records, by name.
  std::thread thread_;
};

}  // namespace imgbatch::testing
