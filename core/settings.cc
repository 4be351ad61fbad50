#include "core/settings.h"

#include <charconv>
#include <type_traits>

namespace imgbatch {
namespace {

// One place that knows every key; `visit(key, field)` for each.
template <typename SettingsType, typename Visitor>
void VisitFields(SettingsType& s, const Visitor& visit) {
  visit("output", s.output_path);
  visit("images", s.images_dir);
  visit("images_shown", s.images_dir_shown);
  visit("base_url", s.base_url);
  visit("name", s.name_template);
  visit("error_column", s.error_column);
  visit("spreadsheet_safe", s.spreadsheet_safe);
  visit("source", s.source_path);
  visit("input", s.input_path);
  visit("input_stamp", s.input_stamp);
  visit("image_columns", s.image_columns);
  visit("delimiter", s.delimiter);
  visit("encoding", s.encoding);
  visit("dialect", s.dialect);
  visit("allow_file", s.allow_file);
  visit("file_root", s.file_root);
  visit("public_only", s.network.public_only);
  visit("allow_net", s.network.allowed);
  visit("retries", s.retries);
  visit("timeout_ms", s.timeout);
  visit("connect_timeout_ms", s.connect_timeout);
  visit("max_bytes", s.max_bytes);
  visit("max_pixels", s.max_pixels);
  visit("per_host", s.per_host);
  visit("user_agent", s.user_agent);
  visit("refetch", s.refetch);
  visit("keep_originals", s.keep_originals);
  visit("header_file", s.header_file);
  visit("respect_noai", s.respect_noai);
}

std::string Encode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || c == '\0') {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    } else {
      encoded += c;
    }
  }
  return encoded;
}

bool Decode(std::string_view text, std::string& decoded) {
  decoded.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned int byte = 0;
    if (i + 2 >= text.size()) return false;
    const char* end = text.data() + i + 3;
    if (std::from_chars(text.data() + i + 1, end, byte, 16).ptr != end) {
      return false;
    }
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return true;
}

std::string Print(const std::string& value) { return value; }
std::string Print(bool value) { return value ? "1" : "0"; }
std::string Print(int value) { return std::to_string(value); }
std::string Print(uint64_t value) { return std::to_string(value); }
std::string Print(Milliseconds value) { return std::to_string(value.count()); }
std::string Print(const std::vector<Cidr>& value) {
  std::string text;
  for (const Cidr& cidr : value) {
    if (!text.empty()) text += ' ';
    text += ToText(cidr);
  }
  return text;
}

template <typename Number>
bool ParseNumber(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end;
}

bool Parse(const std::string& text, std::string& value) {
  value = text;
  return true;
}
bool Parse(const std::string& text, bool& value) {
  value = text == "1";
  return text == "0" || text == "1";
}
bool Parse(const std::string& text, int& value) {
  return ParseNumber(text, value);
}
bool Parse(const std::string& text, uint64_t& value) {
  return ParseNumber(text, value);
}
bool Parse(const std::string& text, Milliseconds& value) {
  int64_t count = 0;
  if (!ParseNumber(text, count)) return false;
  value = Milliseconds(count);
  return true;
}
bool Parse(const std::string& text, std::vector<Cidr>& value) {
  value.clear();
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = rest.find(' ');
    const auto cidr = ParseCidr(rest.substr(0, end));
    if (!cidr) return false;
    value.push_back(*cidr);
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
  return true;
}

}  // namespace

std::string ToText(const Settings& settings) {
  const Settings defaults;
  std::vector<std::string> default_texts;
  VisitFields(defaults, [&](const char*, const auto& field) {
    default_texts.push_back(Print(field));
  });
  std::string text;
  size_t index = 0;
  VisitFields(settings, [&](const char* key, const auto& field) {
    const std::string value = Print(field);
    if (value != default_texts[index++]) {
      text += std::string(key) + "=" + Encode(value) + "\n";
    }
  });
  return text;
}

Result<Settings> ParseSettings(std::string_view text) {
  Settings settings;
  std::string value;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    const std::string key(line.substr(0, equals));
    if (equals == std::string_view::npos ||
        !Decode(line.substr(equals + 1), value)) {
      return Error{ErrorCode::kCorrupt,
                   "the stored settings are damaged at \"" + key + "\""};
    }
    bool known = false;
    bool parsed = false;
    VisitFields(settings, [&](const char* name, auto& field) {
      if (key != name) return;
      known = true;
      parsed = Parse(value, field);
    });
    if (!known) {
      return Error{ErrorCode::kNewerSchema,
                   "the batch was recorded by a newer imgbatch (setting \"" +
                       key + "\"); go on with that one"};
    }
    if (!parsed) {
      return Error{ErrorCode::kCorrupt,
                   "the stored settings are damaged at \"" + key + "\""};
    }
  }
  return settings;
}

}  // namespace imgbatch
