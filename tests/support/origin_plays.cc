#include "tests/support/origin_plays.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace imgbatch::testing {
namespace {

constexpr uint64_t kForEver = uint64_t{1} << 62;

Bytes Own(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

Step Send(std::string text) {
  const uint64_t size = text.size();
  return {Step::Kind::kSend, Own(std::move(text)), size};
}
Step Send(const Bytes& bytes, uint64_t count) {
  return {Step::Kind::kSend, bytes, count};
}
Step Wait(uint64_t ms) { return {Step::Kind::kWait, nullptr, ms}; }
Step Hang() { return {Step::Kind::kHang, nullptr, 0}; }
Step Close() { return {Step::Kind::kClose, nullptr, 0}; }
Step Reset() { return {Step::Kind::kReset, nullptr, 0}; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
        HexValue(text[i + 2]) >= 0) {
      out +=
          static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view TypeOf(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"}, {".png", "image/png"},
      {".webp", "image/webp"}, {".gif", "image/gif"},   {".html", "text/html"},
      {".csv", "text/csv"},    {".bmp", "image/bmp"},
  };
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::string HttpDate(time_t when) {
  std::tm parts{};
  gmtime_r(&when, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

// A header block; `fields` are whole lines with CR LF.
std::string Head(int status, std::string_view fields) {
  return fmt::format("HTTP/1.1 {} Because\r\n{}\r\n", status, fields);
}

std::string Length(uint64_t bytes) {
  return fmt::format("Content-Length: {}\r\n", bytes);
}

// P6 with a pattern that depends on the seed, so that contents differ.
std::string Ppm(uint32_t width, uint32_t height, uint32_t seed) {
  std::string out = fmt::format("P6\n{} {}\n255\n", width, height);
  uint32_t state = seed * 2654435761U + 1;
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      state = state * 1664525U + 1013904223U;
      out += static_cast<char>(x * 3 + seed);
      out += static_cast<char>(y * 3);
      out += static_cast<char>(128 + (state >> 29));
    }
  }
  return out;
}

// A gzip member that unpacks to about `bytes` zeros: one literal, then matches
// of length 258 at distance 1 in fixed Huffman codes (RFC 1951 section 3.2.6).
std::string GzipBomb(uint64_t bytes) {
  std::string out("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
  uint32_t buffer = 0;
  int used = 0;
  const auto put = [&](std::string_view bits) {
    for (const char bit : bits) {
      buffer |= static_cast<uint32_t>(bit - '0') << used;
      if (++used < 8) continue;
      out += static_cast<char>(buffer);
      buffer = 0;
      used = 0;
    }
  };
  put("110");       // Last block, fixed codes (least significant bit first).
  put("00110000");  // Literal 0.
  for (uint64_t i = 0; i < bytes / 258; ++i) put("1100010100000");
  put("0000000");  // End of block.
  if (used > 0) out += static_cast<char>(buffer);
  return out + std::string(8, '\0');
}

}  // namespace

struct Plays::Parameters {
  std::string path;
  std::map<std::string, std::string> values;

  explicit Parameters(std::string_view target) {
    const size_t mark = std::min(target.find('?'), target.size());
    path = Decode(target.substr(0, mark));
    std::string_view rest = target.substr(std::min(mark + 1, target.size()));
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('&'), rest.size());
      const std::string_view pair = rest.substr(0, end);
      const size_t equals = std::min(pair.find('='), pair.size());
      values[Decode(pair.substr(0, equals))] =
          Decode(pair.substr(std::min(equals + 1, pair.size())));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::string Text(const std::string& name, std::string otherwise = "") const {
    const auto at = values.find(name);
    return at == values.end() ? otherwise : at->second;
  }
  int64_t Number(const std::string& name, int64_t otherwise) const {
    const auto at = values.find(name);
    return at == values.end() ? otherwise
                              : std::strtoll(at->second.c_str(), nullptr, 10);
  }
  bool Has(const std::string& name) const { return values.contains(name); }
};

const Plays::File* Plays::Load(std::string_view path) {
  const auto known = files_.find(std::string(path));
  if (known != files_.end()) return &known->second;
  if (directory_.empty() || path.find("..") != std::string_view::npos) {
    return nullptr;
  }
  const std::filesystem::path where = directory_ + std::string(path);
  std::error_code error;
  if (!std::filesystem::is_regular_file(where, error)) return nullptr;
  std::ifstream in(where, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  const auto written = std::filesystem::last_write_time(where, error);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::file_clock::to_sys(written).time_since_epoch());
  File file;
  file.bytes = Own(std::move(content).str());
  file.type = TypeOf(path);
  file.etag =
      fmt::format("\"{:x}-{:x}\"", std::hash<std::string>()(*file.bytes),
                  file.bytes->size());
  file.last_modified = HttpDate(static_cast<time_t>(seconds.count()));
  return &(files_[std::string(path)] = std::move(file));
}

Plays::File Plays::Image(const Parameters& p) {
  if (const File* file = Load(p.Text("file", "/"))) return *file;
  File file;
  file.bytes = Own(Ppm(static_cast<uint32_t>(p.Number("w", 32)),
                       static_cast<uint32_t>(p.Number("h", 32)),
                       static_cast<uint32_t>(p.Number("seed", 1))));
  file.type = "image/x-portable-pixmap";
  return file;
}

Play Plays::ServeFile(const OriginRequest& request, const File& file) {
  std::string validators;
  if (!file.etag.empty()) validators += "ETag: " + file.etag + "\r\n";
  if (!file.last_modified.empty()) {
    validators += "Last-Modified: " + file.last_modified + "\r\n";
  }
  const std::string match = request.Header("if-none-match");
  const bool same = match.empty() ? !file.last_modified.empty() &&
                                        request.Header("if-modified-since") ==
                                            file.last_modified
                                  : match == file.etag;
  if (same) return {304, {Send(Head(304, validators))}};
  Play play{200, {}};
  play.steps.push_back(
      Send(Head(200, Length(file.bytes->size()) + "Content-Type: " + file.type +
                         "\r\n" + validators)));
  if (request.method != "HEAD" && !file.bytes->empty()) {
    play.steps.push_back(Send(file.bytes, file.bytes->size()));
  }
  return play;
}

Play Plays::For(const OriginRequest& request) {
  const Parameters p(request.target);
  const std::string& path = p.path;
  if (request.method != "GET" && request.method != "HEAD") {
    return {405, {Send(Head(405, Length(0)))}};
  }
  if (const File* file = Load(path)) return ServeFile(request, *file);

  const auto text = [](int status, std::string body, std::string fields = "") {
    return Play{
        status,
        {Send(Head(status, Length(body.size()) +
                               "Content-Type: text/plain\r\n" + fields) +
              body)}};
  };
  const auto is = [&path](std::string_view name) { return path == name; };
  const int count = ++counts_[request.target];
  const std::string retry_after =
      p.Has("retry-after") ? "Retry-After: " + p.Text("retry-after") + "\r\n"
                           : "";

  if (path.starts_with("/status/")) {
    const int status = std::atoi(path.c_str() + 8);
    if (status == 204 || status == 304) {
      return {status, {Send(Head(status, ""))}};
    }
    return text(status, "as asked\n", retry_after);
  }
  if (is("/flaky") || is("/429")) {
    const int64_t times = p.Number("times", is("/429") ? 1 << 30 : 1);
    const auto status =
        static_cast<int>(p.Number("status", is("/429") ? 429 : 503));
    if (count <= times) return text(status, "not yet\n", retry_after);
    return ServeFile(request, Image(p));
  }
  if (is("/html")) {
    const std::string page = "<!doctype html><title>no</title><p>No image.\n";
    return {
        200,
        {Send(Head(200, Length(page.size()) + "Content-Type: text/html\r\n") +
              page)}};
  }
  if (is("/empty")) return text(200, "");
  if (is("/loop")) return text(302, "", "Location: /loop\r\n");
  if (is("/redirect")) {
    const auto status = static_cast<int>(p.Number("status", 302));
    const int64_t n = p.Number("n", 0);
    if (n > 0) {
      std::string next = "/redirect?n=" + std::to_string(n - 1);
      for (const auto& [name, value] : p.values) {
        if (name != "n") next += "&" + name + "=" + value;
      }
      return text(status, "", "Location: " + next + "\r\n");
    }
    if (p.Has("to")) {
      return text(status, "", "Location: " + p.Text("to") + "\r\n");
    }
    return ServeFile(request, Image(p));
  }
  if (is("/gzip")) {
    std::string coding = "gzip";
    for (int64_t i = 1; i < p.Number("layers", 1); ++i) coding += ", gzip";
    const std::string bomb =
        GzipBomb(static_cast<uint64_t>(p.Number("bytes", 1 << 20)));
    const std::string field =
        p.Has("te")
            ? "Transfer-Encoding: gzip\r\nConnection: close\r\n"
            : "Content-Encoding: " + coding + "\r\n" + Length(bomb.size());
    Play play{200, {Send(Head(200, field + "Content-Type: image/png\r\n"))}};
    play.steps.push_back(Send(bomb));
    if (p.Has("te")) play.steps.push_back(Close());
    return play;
  }
  if (is("/endless")) {
    if (p.Has("length")) {
      return {200,
              {Send(Head(200,
                         Length(static_cast<uint64_t>(p.Number("length", 0))))),
               Send(Own(std::string(65536, '\0')), kForEver)}};
    }
    return {
        200,
        {Send(Head(200, "Transfer-Encoding: chunked\r\n")),
         Send(Own("10000\r\n" + std::string(65536, '\0') + "\r\n"), kForEver)}};
  }
  if (is("/headers")) {
    std::string fields = Length(1);
    const auto lines = p.Number("lines", 1);
    const auto bytes = static_cast<size_t>(p.Number("bytes", 100));
    for (int64_t i = 0; i < lines; ++i) {
      fields += fmt::format("X-{}: {}\r\n", i, std::string(bytes, 'x'));
    }
    return {200, {Send(Head(200, fields) + "x")}};
  }

  const File image = Image(p);
  const uint64_t size = image.bytes->size();
  const std::string fields = "Content-Type: " + image.type + "\r\n";
  const std::string head = Head(200, Length(size) + fields);
  if (is("/ppm")) return ServeFile(request, image);
  if (is("/slow")) {
    Play play = ServeFile(request, image);
    play.steps.insert(play.steps.begin(),
                      Wait(static_cast<uint64_t>(p.Number("ms", 1000))));
    return play;
  }
  if (is("/stall")) {
    const int64_t after = p.Number("after", 0);
    if (after < 0) return {0, {Hang()}};
    return {200,
            {Send(head),
             Send(image.bytes, std::min(static_cast<uint64_t>(after), size)),
             Hang()}};
  }
  if (is("/drip")) {
    const auto bytes = static_cast<uint64_t>(p.Number("bytes", 1));
    Play play{200, {Send(head)}};
    for (uint64_t at = 0; at < size; at += bytes) {
      play.steps.push_back(Send(image.bytes->substr(at, bytes)));
      play.steps.push_back(Wait(static_cast<uint64_t>(p.Number("ms", 100))));
    }
    return play;
  }
  if (is("/cut")) {
    const uint64_t sent =
        size * static_cast<uint64_t>(p.Number("at", 50)) / 100;
    const std::string how = p.Text("how", "length");
    if (how == "chunk") {
      return {200,
              {Send(Head(200, fields + "Transfer-Encoding: chunked\r\n")),
               Send(fmt::format("{:x}\r\n", size)), Send(image.bytes, sent),
               Close()}};
    }
    if (how == "close") {
      return {200,
              {Send("HTTP/1.0 200 OK\r\n" + fields + "\r\n"),
               Send(image.bytes, sent), Close()}};
    }
    return {200,
            {Send(head), Send(image.bytes, sent),
             how == "reset" ? Reset() : Close()}};
  }
  if (is("/lie")) {
    return {
        200,
        {Send(Head(
             200, Length(static_cast<uint64_t>(p.Number("content-length", 0))) +
                      fields)),
         Send(image.bytes, size), Close()}};
  }
  if (is("/206")) {
    return {206,
            {Send(Head(206, Length(size) + fields +
                                fmt::format("Content-Range: bytes 0-{}/{}\r\n",
                                            size - 1, size * 2))),
             Send(image.bytes, size)}};
  }
  if (is("/etag")) {
    File tagged = image;
    tagged.etag = (p.Has("weak") ? "W/\"" : "\"") + p.Text("value", "x") + "\"";
    tagged.last_modified.clear();
    OriginRequest asked = request;
    if (p.Has("nothing")) asked.head.clear();
    if (p.Has("lie") && !request.Header("if-none-match").empty()) {
      return {304, {Send(Head(304, "ETag: " + tagged.etag + "\r\n"))}};
    }
    return ServeFile(asked, tagged);
  }
  if (is("/type") || is("/encoding")) {
    const std::string field =
        is("/type") ? "Content-Type: " + p.Text("value", "text/plain")
                    : "Content-Encoding: " + p.Text("value", "br");
    return {200,
            {Send(Head(200, Length(size) + field + "\r\n")),
             Send(image.bytes, size)}};
  }
  return text(404, "no such file or play\n");
}

}  // namespace imgbatch::testing
