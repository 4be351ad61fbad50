// Text as CSV files hold it: encodings, trimming, names to compare by. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imgbatch {

enum class CsvEncoding : uint8_t { kUtf8, kUtf16Le, kUtf16Be, kWindows1252 };

// "utf-8", "utf-16le", "utf-16be", "windows-1252".
std::string_view Name(CsvEncoding encoding);
// Also the usual other spellings: "UTF8", "latin1", "cp1252", "utf-16" (little
// endian, as Excel writes it) …
std::optional<CsvEncoding> EncodingFromName(std::string_view name);

// Length of the longest beginning of `text` that is valid UTF-8 (RFC 3629).
size_t ValidUtf8(std::string_view text);

// Surrogates are encoded as they come (WTF-8), so that any UTF-16 survives
// the way to UTF-8 and back.
void AppendUtf8(uint32_t code_point, std::string& out);

// WHATWG's windows-1252: all 256 bytes have a meaning.
std::string Windows1252ToUtf8(std::string_view bytes);
// A sequence that windows-1252 cannot say stays UTF-8: paths are bytes.
std::string Utf8ToWindows1252(std::string_view text);
// Every byte that is not part of valid UTF-8 becomes U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

// Without white space, no-break and zero-width spaces at both ends.
std::string_view TrimCell(std::string_view text);

// What header names are compared by: ASCII in lower case, runs of spaces and
// underscores as one space, without "*" and zero-width characters.
std::string NormalName(std::string_view name);

// Equal to a pattern in which "#" stands for one or more digits and a "*" at
// the end for anything.
bool NameMatches(std::string_view normal_name, std::string_view pattern);

}  // namespace imgbatch
