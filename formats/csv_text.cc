#include "formats/csv_text.h"

#include <array>
#include <cstring>

namespace imgbatch {
namespace {

struct EncodingName {
  std::string_view name;
  CsvEncoding encoding;
};

constexpr std::array<EncodingName, 12> kEncodingNames{{
    {"utf-8", CsvEncoding::kUtf8},
    {"utf-16le", CsvEncoding::kUtf16Le},
    {"utf-16be", CsvEncoding::kUtf16Be},
    {"windows-1252", CsvEncoding::kWindows1252},
    {"utf8", CsvEncoding::kUtf8},
    {"utf-8-bom", CsvEncoding::kUtf8},
    {"utf-8-sig", CsvEncoding::kUtf8},
    {"utf-16", CsvEncoding::kUtf16Le},
    {"utf16", CsvEncoding::kUtf16Le},
    {"cp1252", CsvEncoding::kWindows1252},
    {"latin1", CsvEncoding::kWindows1252},
    {"iso-8859-1", CsvEncoding::kWindows1252},
}};

// Bytes 0x80 to 0x9F, from the WHATWG encoding standard's index.
constexpr std::array<uint16_t, 32> kWindows1252High{
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
    0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

uint8_t Byte(std::string_view text, size_t at) {
  return static_cast<uint8_t>(text[at]);
}

char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Length of the valid sequence at `at`, 0 when there is none (RFC 3629,
// section 4).
size_t SequenceLength(std::string_view text, size_t at) {
  const uint8_t lead = Byte(text, at);
  if (lead < 0x80) return 1;
  size_t length = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (text.size() - at < length) return 0;
  if (Byte(text, at + 1) < low || Byte(text, at + 1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((Byte(text, at + i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

uint32_t CodePoint(std::string_view text, size_t at, size_t length) {
  if (length == 1) return Byte(text, at);
  uint32_t value = Byte(text, at) & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    value = value << 6 | (Byte(text, at + i) & 0x3Fu);
  }
  return value;
}

// Length of the white space or zero-width character that begins at `at`.
size_t BlankLength(std::string_view text, size_t at) {
  const char c = text[at];
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  if (static_cast<uint8_t>(c) < 0x80) return 0;
  const std::string_view rest = text.substr(at);
  for (const std::string_view blank :
       {"\xC2\xA0", "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D",
        "\xE2\x81\xA0", "\xEF\xBB\xBF"}) {
    if (rest.starts_with(blank)) return blank.size();
  }
  return 0;
}

// The same, of the one that ends before `end`.
size_t BlankLengthBefore(std::string_view text, size_t end) {
  const auto last = static_cast<uint8_t>(text[end - 1]);
  if (last > ' ' && last < 0x80) return 0;
  for (size_t length = 1; length <= 3 && length <= end; ++length) {
    if (BlankLength(text, end - length) == length) return length;
  }
  return 0;
}

}  // namespace

std::string_view Name(CsvEncoding encoding) {
  for (const EncodingName& row : kEncodingNames) {
    if (row.encoding == encoding) return row.name;
  }
  return "unknown";
}

std::optional<CsvEncoding> EncodingFromName(std::string_view name) {
  std::string lower;
  for (const char c : name) lower += c == '_' ? '-' : LowerAscii(c);
  for (const EncodingName& row : kEncodingNames) {
    if (row.name == lower) return row.encoding;
  }
  return std::nullopt;
}

size_t ValidUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    // Most text is ASCII: eight bytes at a time.
    while (at + 8 <= text.size()) {
      uint64_t word = 0;
      std::memcpy(&word, text.data() + at, 8);
      if ((word & 0x8080808080808080u) != 0) break;
      at += 8;
    }
    if (at == text.size()) break;
    const size_t length = SequenceLength(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

void AppendUtf8(uint32_t code_point, std::string& out) {
  const auto tail = [&](int shift) {
    out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string Windows1252ToUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint8_t byte = Byte(bytes, i);
    const bool high = byte >= 0x80 && byte < 0xA0;
    AppendUtf8(high ? kWindows1252High[byte - 0x80u] : byte, out);
  }
  return out;
}

std::string Utf8ToWindows1252(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t length = SequenceLength(text, at);
    if (length <= 1) {
      out += text[at++];
      continue;
    }
    const uint32_t code_point = CodePoint(text, at, length);
    std::optional<uint8_t> byte;
    if (code_point >= 0xA0 && code_point <= 0xFF) {
      byte = static_cast<uint8_t>(code_point);
    }
    for (size_t i = 0; i < kWindows1252High.size(); ++i) {
      if (kWindows1252High[i] == code_point) {
        byte = static_cast<uint8_t>(0x80 + i);
      }
    }
    if (byte.has_value()) {
      out += static_cast<char>(*byte);
    } else {
      out += text.substr(at, length);
    }
    at += length;
  }
  return out;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t valid = ValidUtf8(text);
    out += text.substr(0, valid);
    if (valid == text.size()) break;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(valid + 1);
  }
  return out;
}

std::string_view TrimCell(std::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t length = BlankLength(text, begin);
    if (length == 0) break;
    begin += length;
  }
  size_t end = text.size();
  while (end > begin) {
    const size_t length = BlankLengthBefore(text, end);
    if (length == 0 || length > end - begin) break;
    end -= length;
  }
  return text.substr(begin, end - begin);
}

std::string NormalName(std::string_view name) {
  std::string out;
  for (size_t at = 0; at < name.size();) {
    const size_t blank = BlankLength(name, at);
    if (blank > 0 || name[at] == '_') {
      // Zero-width characters vanish; everything else is one space.
      const bool invisible = blank == 3;
      if (!invisible && !out.empty() && out.back() != ' ') out += ' ';
      at += blank > 0 ? blank : 1;
      continue;
    }
    if (name[at] != '*') out += LowerAscii(name[at]);
    ++at;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool NameMatches(std::string_view normal_name, std::string_view pattern) {
  while (!pattern.empty()) {
    if (pattern == "*") return true;
    if (normal_name.empty()) return false;
    if (pattern.front() == '#') {
      if (!IsDigit(normal_name.front())) return false;
      while (!normal_name.empty() && IsDigit(normal_name.front())) {
        normal_name.remove_prefix(1);
      }
    } else {
      if (pattern.front() != normal_name.front()) return false;
      normal_name.remove_prefix(1);
    }
    pattern.remove_prefix(1);
  }
  return normal_name.empty();
}

}  // namespace imgbatch
