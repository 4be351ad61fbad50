#include "core/curl_client.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/curl_transfer.h"

namespace imgbatch {
namespace {

Milliseconds SteadyNow() { return SystemClock().Steady(); }

void InitialiseCurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  IMGBATCH_ASSERT(code == CURLE_OK);
}

}  // namespace

class CurlClient::Loop {
 public:
  explicit Loop(CurlOptions options);
  ~Loop();

  void Send(HttpRequest request, HttpCompletion done);
  void CancelAll();
  HttpStatistics Statistics() const;

 private:
  struct Sending {
    HttpRequest request;
    HttpCompletion done;
  };
  // Without a request: cancel what came before.
  using Command = std::optional<Sending>;

  void Push(Command command);
  void Run();
  // False: the loop ends.
  bool TakeCommands();
  void Begin(Sending sending);
  void Wait();
  void CollectFinished();
  void EndStalled();
  void CancelActive();
  void End(CurlTransfer* transfer, HttpAnswer answer);
  void OnSocket(curl_socket_t socket, int what, bool known);

  const CurlOptions options_;
  CURLM* multi_ = nullptr;
  int epoll_ = -1;
  int wake_ = -1;

  // Of the thread.
  LookUps look_ups_;
  std::unordered_map<CurlTransfer*, std::unique_ptr<CurlTransfer>> active_;
  std::vector<std::unique_ptr<CurlTransfer>> idle_;
  std::optional<Milliseconds> curl_due_;  // When curl wants to be called.

  std::mutex mutex_;
  std::vector<Command> inbox_;  // Guarded by mutex_.
  bool ending_ = false;         // Guarded by mutex_.

  std::atomic<uint64_t> requests_ = 0;
  std::atomic<uint64_t> connections_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::thread thread_;
};

CurlClient::Loop::Loop(CurlOptions options)
    : options_(std::move(options)),
      look_ups_(options_.max_look_ups, options_.look_up_ends) {
  InitialiseCurl();
  multi_ = curl_multi_init();
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  IMGBATCH_ASSERT(multi_ != nullptr && epoll_ >= 0 && wake_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_;
  IMGBATCH_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0);

  const curl_socket_callback on_socket = [](CURL*, curl_socket_t socket,
                                            int what, void* self, void* known) {
    static_cast<Loop*>(self)->OnSocket(socket, what, known != nullptr);
    return 0;
  };
  const curl_multi_timer_callback on_timer = [](CURLM*, long milliseconds,
                                                void* self) {
    auto& due = static_cast<Loop*>(self)->curl_due_;
    due.reset();
    if (milliseconds >= 0) due = SteadyNow() + Milliseconds(milliseconds);
    return 0;
  };
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, options_.max_connections);
  curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS,
                    options_.max_streams);

  // The thread inherits a mask without any signal: they are for others, and
  // SIGPIPE, which OpenSSL's writes can raise, is for nobody.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "imgbatch-http");
}

CurlClient::Loop::~Loop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  Push(std::nullopt);
  thread_.join();
  idle_.clear();
  curl_multi_cleanup(multi_);
  close(epoll_);
  close(wake_);
}

void CurlClient::Loop::Send(HttpRequest request, HttpCompletion done) {
  Push(Sending{std::move(request), std::move(done)});
}

void CurlClient::Loop::CancelAll() { Push(std::nullopt); }

HttpStatistics CurlClient::Loop::Statistics() const {
  return {requests_, connections_, bytes_};
}

void CurlClient::Loop::Push(Command command) {
  const std::lock_guard lock(mutex_);
  inbox_.push_back(std::move(command));
  if (inbox_.size() > 1) return;  // It was woken, and will see both.
  const uint64_t one = 1;
  IMGBATCH_ASSERT(write(wake_, &one, sizeof one) == sizeof one);
}

void CurlClient::Loop::Run() {
  while (TakeCommands()) {
    Wait();
    CollectFinished();
    EndStalled();
  }
}

bool CurlClient::Loop::TakeCommands() {
  std::vector<Command> commands;
  bool ending = false;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(inbox_);
    ending = ending_;
  }
  for (Command& command : commands) {
    if (command) {
      Begin(*std::move(command));
    } else {
      CancelActive();
    }
  }
  if (!ending) return true;
  CancelActive();
  return false;
}

void CurlClient::Loop::Begin(Sending sending) {
  ++requests_;
  if (idle_.empty()) {
    idle_.push_back(std::make_unique<CurlTransfer>(options_, look_ups_));
  }
  std::unique_ptr<CurlTransfer> transfer = std::move(idle_.back());
  idle_.pop_back();

  const auto begun = transfer->Begin(std::move(sending.request),
                                     std::move(sending.done), SteadyNow());
  if (!begun) {
    transfer->Complete(HttpFailure{begun.error()});
    idle_.push_back(std::move(transfer));
    return;
  }
  const CURLMcode code = curl_multi_add_handle(multi_, transfer->handle());
  IMGBATCH_ASSERT(code == CURLM_OK);
  CurlTransfer* key = transfer.get();
  active_[key] = std::move(transfer);
}

void CurlClient::Loop::Wait() {
  constexpr int kLongest = 60'000;
  const Milliseconds now = SteadyNow();
  Milliseconds timeout{kLongest};
  if (curl_due_) timeout = std::min(timeout, *curl_due_ - now);
  for (const auto& [transfer, owner] : active_) {
    timeout = std::min(timeout, transfer->stall_check_due() - now);
  }
  epoll_event events[64];
  const int count =
      epoll_wait(epoll_, events, 64,
                 static_cast<int>(std::max<int64_t>(timeout.count(), 0)));
  int running = 0;
  for (int i = 0; i < count; ++i) {
    const int file = events[i].data.fd;
    if (file == wake_) {
      uint64_t dropped = 0;
      if (read(wake_, &dropped, sizeof dropped) < 0) {
        IMGBATCH_ASSERT(errno == EAGAIN);
      }
      continue;
    }
    const uint32_t what = events[i].events;
    const int action =
        ((what & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
        ((what & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
        ((what & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(multi_, file, action, &running);
  }
  if (curl_due_ && *curl_due_ <= SteadyNow()) {
    curl_due_.reset();
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
}

void CurlClient::Loop::CollectFinished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* self = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
    auto* transfer = reinterpret_cast<CurlTransfer*>(self);
    curl_multi_remove_handle(multi_, transfer->handle());
    End(transfer, transfer->End(code));
  }
}

void CurlClient::Loop::EndStalled() {
  const Milliseconds now = SteadyNow();
  std::vector<CurlTransfer*> stalled;
  for (const auto& [transfer, owner] : active_) {
    if (transfer->IsStalled(now)) stalled.push_back(transfer);
  }
  for (CurlTransfer* transfer : stalled) {
    curl_multi_remove_handle(multi_, transfer->handle());
    End(transfer, transfer->EndStalled());
  }
}

void CurlClient::Loop::CancelActive() {
  while (!active_.empty()) {
    CurlTransfer* transfer = active_.begin()->first;
    curl_multi_remove_handle(multi_, transfer->handle());
    End(transfer, transfer->EndCancelled());
  }
}

void CurlClient::Loop::End(CurlTransfer* transfer, HttpAnswer answer) {
  const auto at = active_.find(transfer);
  bytes_ += transfer->downloaded();
  if (transfer->made_connection()) ++connections_;
  transfer->Complete(std::move(answer));
  idle_.push_back(std::move(at->second));
  active_.erase(at);
}

void CurlClient::Loop::OnSocket(curl_socket_t socket, int what, bool known) {
  if (what == CURL_POLL_REMOVE) {
    // Fails when curl closed the socket already, which removed it as well.
    epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
    return;
  }
  epoll_event event{};
  event.data.fd = socket;
  event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) |
                 ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  const int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(epoll_, first, socket, &event) != 0) {
    // The number may be that of a socket closed before, or still be there.
    const int second = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    IMGBATCH_ASSERT(epoll_ctl(epoll_, second, socket, &event) == 0);
  }
  curl_multi_assign(multi_, socket, this);
}

CurlClient::CurlClient(CurlOptions options)
    : loop_(std::make_unique<Loop>(std::move(options))) {}
CurlClient::~CurlClient() = default;
void CurlClient::Send(HttpRequest request, HttpCompletion done) {
  loop_->Send(std::move(request), std::move(done));
}
void CurlClient::CancelAll() { loop_->CancelAll(); }
HttpStatistics CurlClient::Statistics() const { return loop_->Statistics(); }

}  // namespace imgbatch
