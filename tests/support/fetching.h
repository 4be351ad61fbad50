// Requests that tests wait for.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/http_client.h"

namespace imgbatch::testing {

inline std::future<HttpAnswer> SendTo(HttpClient& client, HttpRequest request) {
  auto promise = std::make_shared<std::promise<HttpAnswer>>();
  std::future<HttpAnswer> answer = promise->get_future();
  client.Send(std::move(request),
              [promise](HttpAnswer a) { promise->set_value(std::move(a)); });
  return answer;
}

inline HttpAnswer Fetch(HttpClient& client, HttpRequest request) {
  return SendTo(client, std::move(request)).get();
}

inline HttpAnswer Fetch(HttpClient& client, const std::string& url) {
  HttpRequest request;
  request.url = url;
  return Fetch(client, std::move(request));
}

// "200", "kBlockedAddress's name" or "cancelled": what a table compares.
inline std::string Summary(const HttpAnswer& answer) {
  if (const auto* response = std::get_if<HttpResponse>(&answer)) {
    return std::to_string(response->status);
  }
  if (const auto* failure = std::get_if<HttpFailure>(&answer)) {
    return std::string(Name(failure->failure.code));
  }
  return "cancelled";
}

}  // namespace imgbatch::testing
