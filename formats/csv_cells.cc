#include "formats/csv_cells.h"

#include <algorithm>
#include <array>
#include <optional>

#include <nlohmann/json.hpp>

#include "formats/csv_text.h"

namespace imgbatch {
namespace {

using Json = nlohmann::ordered_json;

// Meta's cells have a depth of 2.
constexpr int kMaxJsonDepth = 8;

constexpr auto kSeparators = [] {
  std::array<bool, 256> table{};
  for (const char c : {',', ';', '|', ' ', '\t', '\n', '\v', '\f', '\r'}) {
    table[static_cast<uint8_t>(c)] = true;
  }
  return table;
}();

bool IsSeparator(char c) { return kSeparators[static_cast<uint8_t>(c)]; }

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 3986, section 3.1, then "//"; or "//" alone.
bool BeginsScheme(std::string_view text) {
  if (text.starts_with("//")) return true;
  if (text.empty() || !IsLetter(text.front())) return false;
  size_t at = 1;
  while (at < text.size() && at < 16 &&
         (IsLetter(text[at]) || (text[at] >= '0' && text[at] <= '9') ||
          text[at] == '+' || text[at] == '-' || text[at] == '.')) {
    ++at;
  }
  return text.substr(at).starts_with("://");
}

// Also quotes and separators around it, as broken exports leave them.
std::string_view TrimUrl(std::string_view text) {
  while (true) {
    const size_t before = text.size();
    text = TrimCell(text);
    while (!text.empty() && (IsSeparator(text.front()) || text.front() == '"' ||
                             text.front() == '\'')) {
      text.remove_prefix(1);
    }
    while (!text.empty() && (IsSeparator(text.back()) || text.back() == '"' ||
                             text.back() == '\'')) {
      text.remove_suffix(1);
    }
    if (text.size() == before) return text;
  }
}

using Visitor = std::function<void(std::string_view)>;

// WebToffee's exporter writes "URL ! alt : … ! title : …".
void VisitUrl(std::string_view text, const Visitor& visit) {
  text = text.substr(0, text.find(" ! "));
  text = TrimUrl(text);
  if (!text.empty()) visit(text);
}

// Where a new URL begins at or after `at`: after separators, blank characters
// and quotes, at a scheme. The end when there is none.
size_t NextUrl(std::string_view text, size_t at) {
  for (; at < text.size(); ++at) {
    if (!IsSeparator(text[at])) continue;
    // The next byte is no separator, or has its own turn.
    std::string_view next = text.substr(at + 1, 64);
    if (next.empty() || IsSeparator(next.front())) continue;
    if (static_cast<uint8_t>(next.front()) >= 0x80) next = TrimCell(next);
    while (!next.empty() && (next.front() == '"' || next.front() == '\'')) {
      next.remove_prefix(1);
    }
    if (BeginsScheme(next)) return at + 1;
  }
  return text.size();
}

// Deep nesting is refused before a parser sees it.
bool IsShallow(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return false;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return true;
}

std::optional<Json> ParseJsonCell(std::string_view text) {
  text = TrimCell(text);
  if (text.empty() || (text.front() != '[' && text.front() != '{')) {
    return std::nullopt;
  }
  if (!IsShallow(text)) return std::nullopt;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

// The strings that are URLs, in order. Visits the same ones each time.
template <typename Visit>
void VisitUrls(Json& json, const Visit& visit) {
  if (json.is_string()) {
    visit(json);
  } else if (json.is_array()) {
    for (Json& item : json) VisitUrls(item, visit);
  } else if (json.is_object()) {
    for (const char* key : {"url", "src", "link"}) {
      const auto found = json.find(key);
      if (found != json.end()) {
        VisitUrls(*found, visit);
        return;
      }
    }
  }
}

char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool BeginsWith(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(),
                    [](char a, char b) { return a == LowerAscii(b); });
}

}  // namespace

ImageCell SplitImageCell(std::string_view text, bool paths) {
  ImageCell cell;
  cell.is_json = VisitImageCell(
      text, paths, [&](std::string_view url) { cell.urls.emplace_back(url); });
  return cell;
}

bool VisitImageCell(std::string_view text, bool paths, const Visitor& visit) {
  text = TrimCell(text);
  if (text.empty()) return false;
  if (std::optional<Json> json = ParseJsonCell(text)) {
    VisitUrls(*json, [&](const Json& url) {
      visit(TrimCell(url.get_ref<const std::string&>()));
    });
    return true;
  }
  if (paths && !BeginsScheme(TrimUrl(text)) &&
      NextUrl(text, 0) == text.size()) {
    size_t begin = 0;
    while (begin <= text.size()) {
      const size_t end =
          std::min(text.find_first_of(",;|\n", begin), text.size());
      VisitUrl(text.substr(begin, end - begin), visit);
      begin = end + 1;
    }
    return false;
  }
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = NextUrl(text, begin);
    VisitUrl(text.substr(begin, end - begin), visit);
    begin = end;
  }
  return false;
}

bool LooksLikeUrl(std::string_view text) {
  text = TrimUrl(text);
  return BeginsWith(text, "https://") || BeginsWith(text, "http://") ||
         (text.starts_with("//") && text.size() > 2);
}

bool LooksLikeImageUrl(std::string_view text) {
  text = TrimUrl(text);
  if (!LooksLikeUrl(text)) return false;
  text = text.substr(0, text.find_first_of("?#"));
  constexpr std::array<std::string_view, 12> kEndings{
      ".jpg", ".jpeg", ".png",  ".webp", ".gif",  ".bmp",
      ".tif", ".tiff", ".avif", ".tga",  ".heic", ".jfif"};
  return std::any_of(
      kEndings.begin(), kEndings.end(), [&](std::string_view ending) {
        return text.size() > ending.size() &&
               BeginsWith(text.substr(text.size() - ending.size()), ending);
      });
}

std::string ListCell(std::span<const std::string> outputs) {
  std::string cell;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (i > 0) cell += ',';
    cell += outputs[i];
  }
  // Outputs are URLs or paths; only a relative path can begin so, and "./"
  // leaves it the same path.
  if (BeginsFormula(cell)) cell.insert(0, "./");
  return cell;
}

std::string JsonCell(std::string_view cell,
                     std::span<const std::string> outputs) {
  std::optional<Json> json = ParseJsonCell(cell);
  if (!json.has_value()) return ListCell(outputs);
  size_t place = 0;
  VisitUrls(*json, [&](Json& url) {
    url = place < outputs.size() ? outputs[place] : std::string();
    ++place;
  });
  return json->dump(-1, ' ', /*ensure_ascii=*/false,
                    Json::error_handler_t::replace);
}

bool BeginsFormula(std::string_view text) {
  return !text.empty() &&
         (text.front() == '=' || text.front() == '+' || text.front() == '-' ||
          text.front() == '@' || text.front() == '\t' || text.front() == '\r');
}

}  // namespace imgbatch
