// The second implementations of the ports, for tests of what stands on them.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/codec.h"
#include "core/decode_journal.h"
#include "core/http_client.h"
#include "core/observer.h"

namespace imgbatch::testing {

// A clock that runs a fixed step at each look, so that what waits for a time
// gets there without anybody sleeping. Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Milliseconds step) : step_(step.count()) {}
  WallTime Now() const override { return 1'700'000'000'000 + Advance(); }
  Milliseconds Steady() const override { return Milliseconds(Advance()); }
  void SetStep(Milliseconds step) { step_ = step.count(); }

 private:
  int64_t Advance() const { return time_ += step_; }

  std::atomic<int64_t> step_;  // Milliseconds.
  mutable std::atomic<int64_t> time_ = 1'000;
};

// Answers at once, from Send, what was scripted for the URL: each script entry
// once, the last one for ever. An unknown URL is a 404.
class FakeHttp final : public HttpClient {
 public:
  using Answer = std::function<HttpAnswer(const HttpRequest&)>;

  void Script(const std::string& url, std::vector<Answer> answers) {
    scripts_[url] = {answers.begin(), answers.end()};
  }
  // Requests for this URL are never answered until they are cancelled.
  void Hang(const std::string& url) { scripts_[url] = {}; }

  void Send(HttpRequest request, HttpCompletion done) override;
  void CancelAll() override;
  HttpStatistics Statistics() const override { return {}; }

  // In the order of sending.
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // How many requests of the URL were sent.
  int Count(const std::string& url) const;
  // Called after each Send, outside of any lock.
  std::function<void(const HttpRequest&)> on_send;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<Answer>> scripts_;
  std::vector<HttpRequest> requests_;    // Guarded by mutex_.
  std::vector<HttpCompletion> hanging_;  // Guarded by mutex_.
};

FakeHttp::Answer Respond(int status, const std::string& body = "",
                         std::map<std::string, std::string> headers = {});
FakeHttp::Answer RedirectTo(const std::string& location);
FakeHttp::Answer Break(FailureCode code);

// "Compresses" by keeping the first half of the bytes. Bytes that begin with
// "bad" are corrupt; "big" ones cost 1 GiB.
class FakeCodec final : public Codec {
 public:
  Result<CodecCost, Failure> Cost(const SourceImage& source) const override;
  Result<ConvertedImage, Failure> Convert(const SourceImage& source,
                                          const Recipe& recipe) const override;

  int conversions() const { return conversions_; }
  // Called within Convert, on the worker's thread.
  std::function<void()> on_convert;

 private:
  mutable std::atomic<int> conversions_ = 0;
};

class FakeJournal final : public DecodeJournal {
 public:
  void Enter(int, ImageKey) override { ++inside_; }
  void Leave(int) override { --inside_; }
  int inside() const { return inside_; }

 private:
  std::atomic<int> inside_ = 0;
};

class RecordingObserver final : public Observer {
 public:
  void OnImage(const ImageEvent& event) override { events.push_back(event); }
  void OnTurn(int in_flight) override {
    most_in_flight = std::max(most_in_flight, in_flight);
    ++turns;
    if (on_turn) on_turn(in_flight);
  }
  std::vector<ImageEvent> events;
  int most_in_flight = 0;
  int turns = 0;
  std::function<void(int)> on_turn;
};

}  // namespace imgbatch::testing
