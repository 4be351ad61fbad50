#include "core/curl_transfer.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace imgbatch {
namespace {

// Of a body that nobody wants (an error page) so much is read to keep the
// connection; beyond it the connection is dropped.
constexpr uint64_t kUnwantedBytes = 128 << 10;

// Longer ones are not worth keeping: they would be stored for every URL.
constexpr size_t kMaxValidator = 1024;

bool EqualsIgnoringCase(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) {
                      return (x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) == y;
                    });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

std::optional<IpAddress> AddressOf(const sockaddr& address) {
  IpAddress out;
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(out.bytes.data(), &in.sin_addr, 4);
    return out;
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(out.bytes.data(), &in.sin6_addr, 16);
    out.is_v6 = true;
    return out;
  }
  return std::nullopt;
}

// The URL's host when it is an address. The URL is in ParseUrl's form.
std::optional<IpAddress> LiteralHost(std::string_view url) {
  const size_t begin = url.find("://");
  if (begin == std::string_view::npos) return std::nullopt;
  std::string_view host = url.substr(begin + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (host.starts_with('[')) {
    return ParseIpAddress(host.substr(1, host.find(']') - 1));
  }
  return ParseIpAddress(host.substr(0, host.find(':')));
}

template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  IMGBATCH_ASSERT(code == CURLE_OK);
}

}  // namespace

bool LookUps::Begin(Milliseconds now) {
  while (!abandoned_.empty() && abandoned_.front() <= now) {
    abandoned_.pop_front();
  }
  if (under_way_ + static_cast<int>(abandoned_.size()) >= most_) return false;
  ++under_way_;
  return true;
}

void LookUps::Abandon(Milliseconds now) {
  End();
  abandoned_.push_back(now + ends_);
}

CurlTransfer::CurlTransfer(const CurlOptions& options, LookUps& look_ups)
    : options_(options),
      look_ups_(look_ups),
      easy_(curl_easy_init()),
      sink_(options.temporary_directory, options.memory_bytes) {
  IMGBATCH_ASSERT(easy_ != nullptr);
  SetFixedOptions();
}

void CurlTransfer::SetFixedOptions() {
  CURL* easy = easy_.get();
  Set(easy, CURLOPT_PRIVATE, static_cast<void*>(this));
  Set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  Set(easy, CURLOPT_NOSIGNAL, 1L);
  // A cancelled look-up is left to its thread; without this curl joins it.
  Set(easy, CURLOPT_QUICK_EXIT, 1L);
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  // Set, even to nothing: curl would ask the environment.
  Set(easy, CURLOPT_PROXY, options_.proxy.c_str());
  Set(easy, CURLOPT_NOPROXY, "");
  Set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!options_.ca_file.empty()) {
    Set(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  }
  Set(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  Set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  Set(easy, CURLOPT_MAXAGE_CONN, 30L);
  Set(easy, CURLOPT_MAXLIFETIME_CONN, 300L);
  Set(easy, CURLOPT_BUFFERSIZE, 64L << 10);
  Set(easy, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeader);
  Set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  Set(easy, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  Set(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
  Set(easy, CURLOPT_RESOLVER_START_FUNCTION, &CurlTransfer::BeforeLookUp);
  Set(easy, CURLOPT_RESOLVER_START_DATA, static_cast<void*>(this));
  Set(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlTransfer::OpenSocket);
  Set(easy, CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  Set(easy, CURLOPT_PREREQFUNCTION, &CurlTransfer::BeforeRequest);
  Set(easy, CURLOPT_PREREQDATA, static_cast<void*>(this));
}

Result<void, Failure> CurlTransfer::Begin(HttpRequest request,
                                          HttpCompletion done,
                                          Milliseconds now) {
  request_ = std::move(request);
  done_ = std::move(done);
  response_ = HttpResponse();
  sink_.Reset();
  stop_ = Stop::kNone;
  opened_socket_ = connected_ = head_complete_ = wants_body_ = false;
  header_bytes_ = 0;
  downloaded_ = 0;
  sample_count_ = 0;
  stall_check_due_ = now + StallStep();
  error_text_[0] = '\0';

  const std::optional<IpAddress> literal = LiteralHost(request_.url);
  literal_host_ = literal.has_value();
  if (literal && request_.allows && !request_.allows(*literal)) {
    stop_ = Stop::kBlocked;
    return Explain(CURLE_OK);
  }
  curl_slist* list = nullptr;
  for (const HttpHeader& header : request_.headers) {
    const std::string line = header.name + ": " + header.value;
    if (line.find_first_of(std::string_view("\r\n\0", 3)) !=
        std::string::npos) {
      curl_slist_free_all(list);
      return Failure{FailureCode::kInvalidUrl, 0,
                     "a header field of the request holds a line break"};
    }
    list = curl_slist_append(list, line.c_str());
  }
  CURL* easy = easy_.get();
  Set(easy, CURLOPT_HTTPHEADER, list);
  header_list_.reset(list);
  if (curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str()) != CURLE_OK) {
    return Failure{FailureCode::kInvalidUrl, 0, "not a valid URL"};
  }
  Set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  Set(easy, CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(request_.connect_timeout.count()));
  // Rather wait a moment for a connection that can be shared than open a
  // second one. Without TLS there is no HTTP/2 to wait for.
  const bool tls = request_.url.starts_with("https:");
  Set(easy, CURLOPT_PIPEWAIT, tls ? 1L : 0L);
  return {};
}

HttpAnswer CurlTransfer::End(CURLcode code) {
  EndLookUp(code == CURLE_OPERATION_TIMEDOUT ? LookUp::kGoesOn : LookUp::kOver);
  if (code == CURLE_OK) return Succeed();
  // What an error page or a redirect says in its header is an answer, however
  // its body ends.
  const bool unwanted = head_complete_ && !wants_body_ &&
                        (stop_ == Stop::kNone || stop_ == Stop::kEnough);
  if (unwanted) return Succeed();
  return Fail(Explain(code));
}

HttpAnswer CurlTransfer::EndStalled() {
  if (head_complete_ && !wants_body_) return Succeed();
  return Fail(
      {FailureCode::kStalled, 0,
       fmt::format("the server sent less than {} bytes a second for {:.3g} s",
                   request_.stall_bytes_per_second,
                   static_cast<double>(request_.stall_time.count()) / 1000)});
}

HttpAnswer CurlTransfer::EndCancelled() {
  EndLookUp(LookUp::kGoesOn);
  sink_.Reset();
  return HttpCancelled{downloaded_};
}

void CurlTransfer::Complete(HttpAnswer answer) {
  request_ = HttpRequest();
  const HttpCompletion done = std::exchange(done_, nullptr);
  done(std::move(answer));
}

bool CurlTransfer::IsStalled(Milliseconds now) {
  if (now < stall_check_due_) return false;
  stall_check_due_ = now + StallStep();
  // Until the request is sent the connect timeout rules.
  if (!connected_ || request_.stall_time.count() <= 0) return false;
  const Sample newest{now, header_bytes_ + downloaded_};
  samples_[sample_count_++ % kSamples] = newest;
  // The youngest sample that is old enough tells how much came since.
  for (size_t back = 1; back <= std::min(sample_count_, kSamples); ++back) {
    const Sample& sample =
        samples_[(sample_count_ + kSamples * 2 - back) % kSamples];
    if (now - sample.at < request_.stall_time) continue;
    const auto time = static_cast<uint64_t>((now - sample.at).count());
    return newest.bytes - sample.bytes <
           request_.stall_bytes_per_second * time / 1000;
  }
  return false;
}

Milliseconds CurlTransfer::StallStep() const {
  // An hour: no stall time, nothing to look at.
  if (request_.stall_time.count() <= 0) return Milliseconds(3'600'000);
  return std::max(request_.stall_time / 8, Milliseconds(1));
}

// --- Callbacks. -------------------------------------------------------------

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count,
                              void* self) {
  const size_t bytes = size * count;
  const bool goes_on =
      static_cast<CurlTransfer*>(self)->TakeHeaderLine({data, bytes});
  return goes_on ? bytes : 0;
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  const size_t bytes = size * count;
  const bool goes_on = static_cast<CurlTransfer*>(self)->TakeBody(
      {reinterpret_cast<const uint8_t*>(data), bytes});
  // Anything but the count ends the transfer; 0 would not for an empty write.
  return goes_on ? bytes : bytes + 1;
}

int CurlTransfer::BeforeLookUp(void* /*resolver*/, void* /*reserved*/,
                               void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (transfer->literal_host_ || transfer->resolving_) return 0;
  transfer->resolving_ = transfer->look_ups_.Begin(SystemClock().Steady());
  if (transfer->resolving_) return 0;
  transfer->stop_ = Stop::kTooManyLookUps;
  return 1;
}

curl_socket_t CurlTransfer::OpenSocket(void* self, curlsocktype purpose,
                                       curl_sockaddr* address) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
  transfer->EndLookUp(LookUp::kOver);
  // The proxy is the operator's choice.
  if (transfer->request_.allows && transfer->options_.proxy.empty()) {
    const std::optional<IpAddress> remote = AddressOf(address->addr);
    if (!remote || !transfer->request_.allows(*remote)) {
      transfer->stop_ = Stop::kBlocked;
      return CURL_SOCKET_BAD;
    }
  }
  transfer->opened_socket_ = true;
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

int CurlTransfer::BeforeRequest(void* self, char* remote_ip, char* /*local*/,
                                int /*remote_port*/, int /*local_port*/) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (transfer->request_.allows && transfer->options_.proxy.empty()) {
    const std::optional<IpAddress> remote = ParseIpAddress(remote_ip);
    if (!remote || !transfer->request_.allows(*remote)) {
      transfer->stop_ = Stop::kBlocked;
      return CURL_PREREQFUNC_ABORT;
    }
  }
  // Another of the host's addresses may have been refused before this one.
  transfer->stop_ = Stop::kNone;
  transfer->connected_ = true;
  return CURL_PREREQFUNC_OK;
}

bool CurlTransfer::TakeHeaderLine(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > options_.max_header_bytes) {
    stop_ = Stop::kHeaderTooLarge;
    return false;
  }
  if (head_complete_) return true;  // A trailer.
  if (line.starts_with("HTTP/")) {  // Interim answers come before the real.
    response_ = HttpResponse();
    return true;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return Trim(line).empty() ? EndHeader() : true;
  }

  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trim(line.substr(colon + 1));
  const auto is = [name](std::string_view lower) {
    return EqualsIgnoringCase(name, lower);
  };
  const auto first = [value](std::string& field) {
    if (field.empty()) field = value;
  };
  if (is("content-type")) {
    first(response_.content_type);
  } else if (is("content-encoding")) {
    std::string& all = response_.content_encoding;
    if (!all.empty() && !value.empty()) all += ", ";
    all += value;
  } else if (is("content-length")) {
    uint64_t length = 0;
    std::from_chars(value.data(), value.data() + value.size(), length);
    response_.content_length = length;
  } else if (is("location")) {
    first(response_.location);
  } else if (is("etag")) {
    if (value.size() <= kMaxValidator) first(response_.etag);
  } else if (is("last-modified")) {
    if (value.size() <= kMaxValidator) first(response_.last_modified);
  } else if (is("retry-after")) {
    first(response_.retry_after);
  } else if (is("date")) {
    first(response_.date);
  } else if (is("x-robots-tag")) {
    std::string& all = response_.robots_tag;
    if (!all.empty()) all += ", ";
    all += value;
  }
  return true;
}

bool CurlTransfer::EndHeader() {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  if (status < 200) return true;
  head_complete_ = true;
  // A coding that was not asked for is refused by its name; its bytes may be
  // a bomb.
  const std::string& coding = response_.content_encoding;
  wants_body_ = status < 300 &&
                (coding.empty() || EqualsIgnoringCase(coding, "identity"));
  if (!wants_body_) return true;
  const uint64_t announced = response_.content_length.value_or(0);
  if (announced > request_.max_bytes) {
    stop_ = Stop::kTooLarge;
    return false;
  }
  sink_.Start(announced);
  return true;
}

bool CurlTransfer::TakeBody(std::span<const uint8_t> bytes) {
  downloaded_ += bytes.size();
  if (!wants_body_) {
    if (downloaded_ <= kUnwantedBytes) return true;
    stop_ = Stop::kEnough;
    return false;
  }
  if (downloaded_ > request_.max_bytes) {
    stop_ = Stop::kTooLarge;
    return false;
  }
  if (sink_.Write(bytes)) return true;
  stop_ = Stop::kDiskFailed;
  return false;
}

// --- The end. ---------------------------------------------------------------

HttpProgress CurlTransfer::Progress() const {
  if (head_complete_) return HttpProgress::kAnswering;
  if (connected_) return HttpProgress::kAsked;
  if (opened_socket_ || literal_host_) return HttpProgress::kConnecting;
  curl_off_t looked_up = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
  return looked_up > 0 ? HttpProgress::kConnecting : HttpProgress::kResolving;
}

void CurlTransfer::EndLookUp(LookUp how) {
  if (!std::exchange(resolving_, false)) return;
  if (how == LookUp::kOver) {
    look_ups_.End();
  } else {
    look_ups_.Abandon(SystemClock().Steady());
  }
}

HttpAnswer CurlTransfer::Succeed() {
  long version = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
  response_.version = version == CURL_HTTP_VERSION_1_0   ? 10
                      : version == CURL_HTTP_VERSION_2_0 ? 20
                                                         : 11;
  response_.reused_connection = !opened_socket_;
  if (wants_body_) {
    auto finished = sink_.Finish();
    if (!finished) {
      stop_ = Stop::kDiskFailed;
      return Fail(Explain(CURLE_OK));
    }
    response_.body = std::move(finished->body);
    response_.body_hash = finished->hash;
  }
  return std::move(response_);
}

HttpAnswer CurlTransfer::Fail(Failure failure) {
  sink_.Reset();
  if (head_complete_) failure.http_status = response_.status;
  return HttpFailure{std::move(failure), connected_, downloaded_};
}

Failure CurlTransfer::Explain(CURLcode code) {
  switch (stop_) {
    case Stop::kBlocked:
      return {FailureCode::kBlockedAddress, 0,
              "the host's address is not allowed by the network policy"};
    case Stop::kTooLarge:
      return {
          FailureCode::kTooLarge, 0,
          fmt::format("the body is larger than {} bytes", request_.max_bytes)};
    case Stop::kHeaderTooLarge:
      return {FailureCode::kBadResponse, 0,
              fmt::format("the answer's header is larger than {} bytes",
                          options_.max_header_bytes)};
    case Stop::kDiskFailed:
      return {FailureCode::kTruncated, 0,
              "the body could not be kept in a temporary file"};
    case Stop::kTooManyLookUps:
      return {FailureCode::kDnsFailure, 0,
              "too many name look-ups are hanging"};
    case Stop::kEnough:
    case Stop::kNone:
      break;
  }
  const HttpProgress progress = Progress();
  const CurlVerdict verdict = VerdictOn(code, progress);
  Failure failure{verdict.code, 0, std::string(verdict.sentence)};
  long system_error = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &system_error);
  if (code == CURLE_SSL_CONNECT_ERROR &&
      (system_error == ECONNRESET || system_error == EPIPE)) {
    // The network broke in the handshake, which can pass.
    failure.code = FailureCode::kConnectFailed;
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    const Milliseconds limit =
        progress >= HttpProgress::kAsked
            ? request_.timeout
            : std::min(request_.connect_timeout, request_.timeout);
    failure.message +=
        fmt::format(" ({:.3g} s)", static_cast<double>(limit.count()) / 1000);
  } else if (failure.code == FailureCode::kTlsError && error_text_[0] != '\0') {
    failure.message += fmt::format(" ({})", error_text_.data());
  } else if (code == CURLE_COULDNT_CONNECT &&
             (system_error == ENETUNREACH || system_error == EHOSTUNREACH)) {
    failure.message = "there is no route to the host";
  }
  return failure;
}

}  // namespace imgbatch
