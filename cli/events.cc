#include "cli/events.h"

#include <cstdio>

#include "cli/quantities.h"

namespace imgbatch {
namespace {

constexpr Milliseconds kProgressEvery{1'000};

Json ImageJson(const std::string& batch, const ImageEvent& event) {
  Json json{{"id", batch + "-" + std::to_string(event.n)}, {"url", event.url}};
  if (const auto* done = std::get_if<ImageDone>(&event.outcome.what)) {
    json["state"] = "done";
    json["how"] = Name(done->how);
    json["format"] = Name(done->content.format);
    json["source_bytes"] = done->source_bytes;
    json["stored_bytes"] = done->content.bytes;
    if (!done->reason.empty()) json["reason"] = done->reason;
    return json;
  }
  const Failure* failure = nullptr;
  if (const auto* failed = std::get_if<ImageFailed>(&event.outcome.what)) {
    json["state"] = "failed";
    json["attempts"] = failed->attempts;
    failure = &failed->failure;
  } else if (const auto* retry = std::get_if<ImageRetry>(&event.outcome.what)) {
    json["state"] = "waiting";
    json["attempts"] = retry->attempts;
    json["due_at"] = ShowUtc(retry->due);
    failure = &retry->failure;
  }
  if (failure != nullptr) {
    json["code"] = Name(failure->code);
    if (failure->http_status != 0) json["http_status"] = failure->http_status;
    json["message"] = failure->message;
  }
  return json;
}

}  // namespace

void PrintEvent(std::string_view type, const Clock& clock, const Json& rest) {
  Json event{{"type", type}, {"ts", ShowUtc(clock.Now())}};
  event.update(rest);
  std::fputs((ToLine(event) + "\n").c_str(), stdout);
  std::fflush(stdout);
}

EventPrinter::EventPrinter(JobReader& reader, const Clock& clock,
                           const BatchView& batch)
    : reader_(reader),
      clock_(clock),
      batch_(batch.key),
      uuid_(batch.uuid),
      printed_at_(clock.Steady()) {}

void EventPrinter::OnImage(const ImageEvent& event) {
  PrintEvent("image", clock_, ImageJson(uuid_, event));
}

void EventPrinter::OnTurn(int in_flight) {
  const Milliseconds now = clock_.Steady();
  if (now - printed_at_ < kProgressEvery) return;
  printed_at_ = now;
  const auto batch = reader_.ReadBatch(batch_);
  if (!batch) return;  // The drain itself will say what is wrong.
  auto json = BatchJson(reader_, *batch);
  if (!json) return;
  (*json)["in_flight"] = in_flight;
  PrintEvent("progress", clock_, *json);
}

}  // namespace imgbatch
