#include "tests/support/fakes.h"

namespace imgbatch::testing {

void FakeHttp::Send(HttpRequest request, HttpCompletion done) {
  Answer answer;
  bool hangs = false;
  {
    const std::lock_guard lock(mutex_);
    const auto script = scripts_.find(request.url);
    if (script != scripts_.end() && script->second.empty()) {
      hangs = true;
    } else if (script != scripts_.end()) {
      answer = script->second.front();
      if (script->second.size() > 1) script->second.pop_front();
    } else {
      answer = Respond(404);
    }
    requests_.push_back(request);
    if (hangs) hanging_.push_back(std::move(done));
  }
  if (!hangs) done(answer(request));
  if (on_send) on_send(request);
}

void FakeHttp::CancelAll() {
  std::vector<HttpCompletion> cancelled;
  {
    const std::lock_guard lock(mutex_);
    cancelled.swap(hanging_);
  }
  for (const HttpCompletion& done : cancelled) done(HttpCancelled{});
}

int FakeHttp::Count(const std::string& url) const {
  const std::lock_guard lock(mutex_);
  int count = 0;
  for (const HttpRequest& request : requests_) count += request.url == url;
  return count;
}

FakeHttp::Answer Respond(int status, const std::string& body,
                         std::map<std::string, std::string> headers) {
  return [=](const HttpRequest&) -> HttpAnswer {
    HttpResponse response;
    response.status = status;
    response.body = Body(std::vector<uint8_t>(body.begin(), body.end()));
    response.body_hash = HashOf(std::string_view(body));
    const auto header = [&](const char* name) {
      const auto at = headers.find(name);
      return at == headers.end() ? std::string() : at->second;
    };
    response.etag = header("etag");
    response.last_modified = header("last-modified");
    response.location = header("location");
    response.retry_after = header("retry-after");
    return response;
  };
}

FakeHttp::Answer RedirectTo(const std::string& location) {
  return Respond(302, "", {{"location", location}});
}

FakeHttp::Answer Break(FailureCode code) {
  return [code](const HttpRequest&) -> HttpAnswer {
    return HttpFailure{{code, 0, "broken on purpose"}, false, 0};
  };
}

Result<CodecCost, Failure> FakeCodec::Cost(const SourceImage& source) const {
  const std::string_view text(
      reinterpret_cast<const char*>(source.bytes.data()), source.bytes.size());
  if (text.starts_with("bad")) {
    return Failure{FailureCode::kCorruptImage, 0, "bad bytes"};
  }
  CodecCost cost;
  cost.memory = text.starts_with("big") ? uint64_t{1} << 30 : 1000;
  return cost;
}

Result<ConvertedImage, Failure> FakeCodec::Convert(const SourceImage& source,
                                                   const Recipe&) const {
  ++conversions_;
  if (on_convert) on_convert();
  ConvertedImage image;
  image.bytes.assign(
      source.bytes.begin(),
      source.bytes.begin() + static_cast<ptrdiff_t>(source.bytes.size() / 2));
  image.width = image.height = 1;
  return image;
}

}  // namespace imgbatch::testing
