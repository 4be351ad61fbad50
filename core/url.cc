#include "core/url.h"

#include <algorithm>
#include <clocale>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <curl/curl.h>

namespace imgbatch {
namespace {

constexpr size_t kMaxBytes = 8 << 10;

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, FreeUrl>;

// libidn2 reads names in the encoding of the thread's locale, and cron's is
// "C": every URL is UTF-8 here, whatever the locale. C.UTF-8 is built into
// glibc since 2.35.
class Utf8Locale {
 public:
  Utf8Locale()
      : utf8_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        before_(utf8_ != nullptr ? uselocale(utf8_) : nullptr) {}
  ~Utf8Locale() {
    if (utf8_ == nullptr) return;
    uselocale(before_);
    freelocale(utf8_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t utf8_;
  locale_t before_;
};

Failure Invalid(std::string message) {
  return {FailureCode::kInvalidUrl, 0, std::move(message)};
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool IsAscii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// White space as spreadsheets and web pages leave it around a URL: ASCII,
// no-break space, zero-width space, byte order mark.
std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpaces[] = {
      " ", "\t", "\r", "\n", "\xc2\xa0", "\xe2\x80\x8b", "\xef\xbb\xbf",
  };
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view space : kSpaces) {
      if (text.starts_with(space)) {
        text.remove_prefix(space.size());
        again = true;
      }
      if (text.ends_with(space)) {
        text.remove_suffix(space.size());
        again = true;
      }
    }
  }
  return text;
}

// What may not stand in a request line, as %XX. Existing escapes stay.
std::string Encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '"' && c != '<' && c != '>' &&
        c != '`') {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string Decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  const CURLUcode code = curl_url_get(url, part, &text, flags);
  std::string out(code == CURLUE_OK ? text : "");
  curl_free(text);  // curl 7.88 leaves it behind when IDN fails.
  return out;
}

// Where the authority begins and ends: "http://[here]/…".
struct Span {
  size_t begin;
  size_t end;
};
std::optional<Span> Authority(std::string_view text) {
  const size_t begin = text.find("://");
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = text.find_first_of("/?#", begin + 3);
  return Span{begin + 3, end == std::string_view::npos ? text.size() : end};
}

// Everything but the authority is ASCII afterwards; the authority keeps its
// characters for IDN.
std::string EncodeAround(std::string_view text) {
  const std::optional<Span> authority = Authority(text);
  if (!authority) return Encode(text);
  return std::string(text.substr(0, authority->end)) +
         Encode(text.substr(authority->end));
}

Failure Explain(CURLUcode code) {
  switch (code) {
    case CURLUE_USER_NOT_ALLOWED:
      return Invalid("a URL must not carry a user name or password");
    case CURLUE_BAD_PORT_NUMBER:
      return Invalid("the URL's port is not a number from 1 to 65535");
    case CURLUE_NO_HOST:
    case CURLUE_BAD_HOSTNAME:
      return Invalid("the URL has no valid host name");
    default:
      return Invalid("not a valid URL");
  }
}

// Reads the normal form out of a parsed URL.
Result<Url, Failure> Normalise(CURLU* url) {
  const std::string scheme = Part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return Invalid("only http and https URLs are fetched");
  }
  if (!Part(url, CURLUPART_USER).empty() ||
      !Part(url, CURLUPART_PASSWORD).empty()) {
    return Explain(CURLUE_USER_NOT_ALLOWED);
  }
  if (!Part(url, CURLUPART_ZONEID).empty()) {
    return Invalid("the URL's address must not name a network interface");
  }

  std::string host = Part(url, CURLUPART_HOST);
  if (!IsAscii(host)) {
    const Utf8Locale utf8;
    host = Part(url, CURLUPART_HOST, CURLU_PUNYCODE);
    if (!IsAscii(host)) host.clear();
  }
  for (char& c : host) c = Lower(c);
  // Setting it again lets curl see what IDN made of it: full-width digits
  // become an IPv4 address, for example. What is still encoded then is no name.
  if (host.empty() || host == "." || host.find('%') != std::string::npos ||
      Authority("http://" + host)->end != host.size() + 7) {
    return Explain(CURLUE_NO_HOST);
  }

  const std::string port = Part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  if (port == "0") return Explain(CURLUE_BAD_PORT_NUMBER);
  std::string path = Part(url, CURLUPART_PATH);
  if (path.empty()) path = "/";
  const std::string query = Part(url, CURLUPART_QUERY);

  Url out;
  out.text = scheme + "://" + host;
  if (!port.empty()) out.text += ":" + port;
  out.text += path;
  if (!query.empty()) out.text += "?" + query;
  if (out.text.size() > kMaxBytes) return Invalid("the URL is over 8 KiB long");

  out.host = std::move(host);
  if (out.host.ends_with('.')) out.host.pop_back();
  if (!port.empty()) out.host += ":" + port;
  out.name = Decode(path.substr(path.rfind('/') + 1));
  return out;
}

// Parses twice when the host changed on the way (IDN), so that the text is a
// fixed point: parsing it again yields the same.
Result<Url, Failure> Settle(CURLU* url) {
  Result<Url, Failure> first = Normalise(url);
  if (!first) return first;
  const CurlUrl again(curl_url());
  IMGBATCH_ASSERT(again != nullptr);
  const CURLUcode code =
      curl_url_set(again.get(), CURLUPART_URL, first->text.c_str(), 0);
  if (code != CURLUE_OK) return Explain(code);
  return Normalise(again.get());
}

Result<Url, Failure> Parse(const Url* base, std::string_view raw) {
  if (raw.empty()) return Invalid("the URL is empty");
  if (raw.size() > kMaxBytes) return Invalid("the URL is over 8 KiB long");
  for (const char c : raw) {
    if (IsControl(c)) return Invalid("the URL holds a control character");
  }
  const CurlUrl url(curl_url());
  IMGBATCH_ASSERT(url != nullptr);
  if (base != nullptr) {
    const CURLUcode code =
        curl_url_set(url.get(), CURLUPART_URL, base->text.c_str(), 0);
    if (code != CURLUE_OK) return Explain(code);
  }
  const CURLUcode code =
      curl_url_set(url.get(), CURLUPART_URL, EncodeAround(raw).c_str(),
                   CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK) return Explain(code);
  return Settle(url.get());
}

std::string WithoutEntities(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    out += text[i];
    ++i;
    // "&amp;amp;", too, so that the result is its own normal form.
    while (out.back() == '&' && text.substr(i).starts_with("amp;")) i += 4;
  }
  return out;
}

// The URL when it plainly is in normal form, as nearly all of a catalogue's
// are: then curl, which takes 30 times as long, would change nothing.
std::optional<Url> PlainUrl(std::string_view text) {
  if (text.size() > kMaxBytes) return std::nullopt;
  size_t at = text.starts_with("https://")  ? 8
              : text.starts_with("http://") ? 7
                                            : 0;
  if (at == 0) return std::nullopt;
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const size_t host_begin = at;
  bool letter_first = false;  // The label begins with a letter: no number.
  for (; at < text.size() && text[at] != '/'; ++at) {
    const char c = text[at];
    const char before = text[at - 1];
    const bool starts = before == '/' || before == '.';
    if (starts && !is_letter(c) && !is_digit(c)) return std::nullopt;
    if (starts) letter_first = is_letter(c);
    if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.') {
      return std::nullopt;
    }
  }
  if (at == text.size() || !letter_first || text[at - 1] == '.') {
    return std::nullopt;
  }
  const size_t path = at;
  size_t name = at + 1;
  size_t query = std::string_view::npos;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const bool plain = is_letter(c) || is_digit(c) || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '~' || c == '.' ||
                       c == '/' || c == ',' || c == '=' || c == '+' || c == ':';
    if (plain) {
      // "." and ".." in a path would be resolved.
      if (c == '.' && text[at - 1] == '/') return std::nullopt;
      if (c == '/' && query == std::string_view::npos) name = at + 1;
    } else if (c == '?' && query == std::string_view::npos) {
      query = at;
    } else if (c != '&' || query == std::string_view::npos ||
               text.substr(at).starts_with("&amp;")) {
      return std::nullopt;
    }
  }
  if (query == text.size() - 1) return std::nullopt;
  Url url;
  url.text = text;
  url.host = text.substr(host_begin, path - host_begin);
  url.name = text.substr(name, std::min(query, text.size()) - name);
  return url;
}

bool HasScheme(std::string_view text, std::string_view scheme) {
  if (text.size() < scheme.size()) return false;
  for (size_t i = 0; i < scheme.size(); ++i) {
    if (Lower(text[i]) != scheme[i]) return false;
  }
  return true;
}

}  // namespace

Result<Url, Failure> ParseUrl(std::string_view raw) {
  const std::string_view trimmed = Trim(raw);
  if (std::optional<Url> plain = PlainUrl(trimmed)) return *std::move(plain);
  std::string text = WithoutEntities(trimmed);
  if (text.empty()) return Invalid("the URL is empty");
  if (text.starts_with("//")) text.insert(0, "https:");
  if (!HasScheme(text, "http://") && !HasScheme(text, "https://")) {
    return Invalid(text.find("://") == std::string::npos
                       ? "a URL must begin with http:// or https://"
                       : "only http and https URLs are fetched");
  }
  // curl forgives "http:///host"; a cell that says so has lost its host.
  const std::optional<Span> authority = Authority(text);
  if (authority->begin == authority->end) return Explain(CURLUE_NO_HOST);
  return Parse(nullptr, text);
}

Result<Url, Failure> ResolveUrl(const Url& base, std::string_view location) {
  return Parse(&base, Trim(location));
}

std::string ForDisplay(std::string_view url) {
  constexpr size_t kMaxShown = 300;
  std::string_view shown = url.substr(0, url.find_first_of("?#"));
  std::string out;
  if (const std::optional<Span> authority = Authority(shown)) {
    const size_t at = shown.substr(0, authority->end).rfind('@');
    if (at != std::string_view::npos && at >= authority->begin) {
      out = shown.substr(0, authority->begin);
      shown.remove_prefix(at + 1);
    }
  }
  for (const char c : shown.substr(0, kMaxShown)) out += IsControl(c) ? '?' : c;
  if (shown.size() > kMaxShown) out += "…";
  return out;
}

}  // namespace imgbatch
