// URLs as CSV cells and redirects say them, and what servers answer.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/address.h"
#include "core/fetch.h"
#include "core/result.h"
#include "core/url.h"

namespace imgbatch {
namespace {

void Check(std::string_view text) {
  // The first line is the URL, the second a redirect, the third Retry-After.
  const size_t first = text.find('\n');
  const std::string_view raw = text.substr(0, first);
  std::string_view rest =
      first == std::string_view::npos ? "" : text.substr(first + 1);
  const size_t second = rest.find('\n');
  const std::string_view location = rest.substr(0, second);
  const std::string_view wait =
      second == std::string_view::npos ? "" : rest.substr(second + 1);

  if (const auto url = ParseUrl(raw)) {
    // The normal form is its own normal form.
    const auto again = ParseUrl(url->text);
    IMGBATCH_ASSERT(again && again->text == url->text);
    IMGBATCH_ASSERT(again->host == url->host);
    IMGBATCH_ASSERT(!url->host.empty());
    if (const auto target = ResolveUrl(*url, location)) {
      IMGBATCH_ASSERT(ParseUrl(target->text).has_value());
    }
  }
  if (const auto cidr = ParseCidr(raw)) {
    IMGBATCH_ASSERT(ParseCidr(ToText(*cidr)).has_value());
  }
  if (const auto address = ParseIpAddress(raw)) {
    (void)IsAllowed(*address,
                    NetworkPolicy{.public_only = true, .allowed = {}});
  }
  HttpResponse response;
  response.status = 503;
  response.retry_after = std::string(wait);
  response.location = std::string(location);
  const Verdict verdict = Judge(response, /*conditional=*/false, 1'700'000'000);
  if (const auto* refused = std::get_if<Refused>(&verdict)) {
    IMGBATCH_ASSERT(refused->retry_after.value_or(0) >= 0 &&
                    refused->retry_after.value_or(0) <= 300);
  }
}

}  // namespace
}  // namespace imgbatch

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  imgbatch::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
