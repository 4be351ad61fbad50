// One request on one libcurl handle: its options, its callbacks, its answer.
// Private to the HTTP client; belongs to its thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "core/body_sink.h"
#include "core/clock.h"
#include "core/curl_client.h"
#include "core/curl_errors.h"
#include "core/http_client.h"

namespace imgbatch {

// Name look-ups of all transfers. curl gives each a thread, and one whose
// request gave up goes on until the system's resolver gives up too: those are
// counted for as long as that may take.
class LookUps {
 public:
  LookUps(int most, Milliseconds ends) : most_(most), ends_(ends) {}
  // False: too many already.
  bool Begin(Milliseconds now);
  void End() { --under_way_; }
  void Abandon(Milliseconds now);

 private:
  int most_;
  Milliseconds ends_;
  int under_way_ = 0;
  std::deque<Milliseconds> abandoned_;  // When each surely ended.
};

// Handles are used again for the next request, which keeps their buffers.
class CurlTransfer {
 public:
  CurlTransfer(const CurlOptions& options, LookUps& look_ups);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Prepares the handle; the caller adds it to the multi. A failure means
  // that there is nothing to send; see Complete.
  Result<void, Failure> Begin(HttpRequest request, HttpCompletion done,
                              Milliseconds now);
  // The answer, after the handle left the multi.
  HttpAnswer End(CURLcode code);
  HttpAnswer EndStalled();
  HttpAnswer EndCancelled();
  void Complete(HttpAnswer answer);

  // True when fewer bytes than allowed came in the last stall time. Looks
  // only when stall_check_due() has come.
  bool IsStalled(Milliseconds now);
  Milliseconds stall_check_due() const { return stall_check_due_; }

  CURL* handle() const { return easy_.get(); }
  uint64_t downloaded() const { return downloaded_; }
  bool made_connection() const { return opened_socket_; }

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  // Why a callback ended the transfer, when one did.
  enum class Stop : uint8_t {
    kNone,
    kBlocked,
    kTooLarge,
    kHeaderTooLarge,
    kEnough,  // Of a body that nobody wants.
    kDiskFailed,
    kTooManyLookUps,
  };

  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static int BeforeLookUp(void* resolver, void* reserved, void* self);
  static curl_socket_t OpenSocket(void* self, curlsocktype purpose,
                                  curl_sockaddr* address);
  static int BeforeRequest(void* self, char* remote_ip, char* local_ip,
                           int remote_port, int local_port);

  void SetFixedOptions();
  bool TakeHeaderLine(std::string_view line);
  bool EndHeader();
  bool TakeBody(std::span<const uint8_t> bytes);
  HttpProgress Progress() const;
  Milliseconds StallStep() const;
  enum class LookUp : uint8_t { kOver, kGoesOn };
  void EndLookUp(LookUp how);
  HttpAnswer Succeed();
  HttpAnswer Fail(Failure failure);
  Failure Explain(CURLcode code);

  const CurlOptions& options_;
  LookUps& look_ups_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> header_list_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  BodySink sink_;

  // Of the request under way.
  HttpRequest request_;
  HttpCompletion done_;
  HttpResponse response_;
  Stop stop_ = Stop::kNone;
  bool literal_host_ = false;  // An address: nothing to look up.
  bool resolving_ = false;
  bool opened_socket_ = false;
  bool connected_ = false;
  bool head_complete_ = false;
  bool wants_body_ = false;
  size_t header_bytes_ = 0;
  uint64_t downloaded_ = 0;  // Bytes of body.

  // Bytes received at moments at least an eighth of the stall time apart.
  struct Sample {
    Milliseconds at{0};
    uint64_t bytes = 0;
  };
  static constexpr size_t kSamples = 10;
  std::array<Sample, kSamples> samples_{};
  size_t sample_count_ = 0;
  Milliseconds stall_check_due_{0};
};

}  // namespace imgbatch
