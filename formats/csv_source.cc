#include "formats/csv_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace imgbatch {
namespace {

// How much of a file is looked at to tell UTF-8 from windows-1252: 20 ms.
constexpr uint64_t kEncodingSample = uint64_t{64} << 20;
constexpr size_t kChunk = size_t{256} << 10;

struct Signature {
  std::string_view bytes;
  std::string_view what;
};

// What people hand over in place of a CSV file.
constexpr std::array<Signature, 9> kNoText{{
    {"PK\x03\x04", "an Excel workbook or ZIP archive; save it as CSV"},
    {"\xD0\xCF\x11\xE0", "an Excel workbook; save it as CSV"},
    {"\x1F\x8B", "gzip-compressed; unpack it first"},
    {"BZh", "bzip2-compressed; unpack it first"},
    {"\x28\xB5\x2F\xFD", "zstd-compressed; unpack it first"},
    {"%PDF-", "a PDF document, not a CSV file"},
    {"\x89PNG", "a PNG image, not a CSV file"},
    {"\xFF\xD8\xFF", "a JPEG image, not a CSV file"},
    {"SQLite format 3", "a SQLite database, not a CSV file"},
}};

Error SystemError(std::string_view what) {
  return {ErrorCode::kIo, fmt::format("{}: {}", what, std::strerror(errno))};
}

// A file in /tmp without a name that holds what `pipe` gives.
Result<int> Spool(int pipe) {
  std::FILE* file = std::tmpfile();
  if (file == nullptr) return SystemError("cannot make a temporary file");
  const int copy = dup(fileno(file));
  std::fclose(file);
  if (copy < 0) return SystemError("cannot make a temporary file");
  std::vector<char> chunk(kChunk);
  while (true) {
    const ssize_t got = read(pipe, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const Error error = SystemError("cannot read");
      close(copy);
      return error;
    }
    if (got == 0) return copy;
    size_t done = 0;
    while (done < static_cast<size_t>(got)) {
      const ssize_t put =
          write(copy, chunk.data() + done, static_cast<size_t>(got) - done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        const Error error = SystemError("cannot write a temporary file");
        close(copy);
        return error;
      }
      done += static_cast<size_t>(put);
    }
  }
}

uint32_t Unit(std::string_view bytes, size_t at, CsvEncoding encoding) {
  const auto first = static_cast<uint8_t>(bytes[at]);
  const auto second = static_cast<uint8_t>(bytes[at + 1]);
  return encoding == CsvEncoding::kUtf16Le ? first | uint32_t{second} << 8
                                           : second | uint32_t{first} << 8;
}

bool IsHighSurrogate(uint32_t unit) { return unit >> 10 == 0xD800 >> 10; }
bool IsLowSurrogate(uint32_t unit) { return unit >> 10 == 0xDC00 >> 10; }

void AppendUnit(uint32_t unit, CsvEncoding encoding, std::string& out) {
  const char low = static_cast<char>(unit & 0xFF);
  const char high = static_cast<char>(unit >> 8 & 0xFF);
  out += encoding == CsvEncoding::kUtf16Le ? low : high;
  out += encoding == CsvEncoding::kUtf16Le ? high : low;
}

}  // namespace

Result<CsvSource> CsvSource::Open(const std::string& path,
                                  std::string_view encoding) {
  CsvSource source;
  source.file_ = path == "-" ? dup(STDIN_FILENO)
                             : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (source.file_ < 0) {
    const ErrorCode code = errno == ENOENT || errno == ENOTDIR
                               ? ErrorCode::kInput
                               : ErrorCode::kIo;
    return Error{code,
                 fmt::format("cannot read {}: {}", path, std::strerror(errno))};
  }
  struct stat info {};
  if (fstat(source.file_, &info) != 0)
    return SystemError("cannot read " + path);
  if (S_ISDIR(info.st_mode)) {
    return Error{ErrorCode::kInput,
                 path + " is a directory; name a CSV file in it"};
  }
  if (!S_ISREG(info.st_mode)) {
    Result<int> copy = Spool(source.file_);
    if (!copy) return copy.error();
    close(source.file_);
    source.file_ = *copy;
  }
  Result<void> detected = source.Detect(encoding);
  if (!detected) {
    return Error{detected.error().code,
                 fmt::format("{} {}", path == "-" ? kStandardInput : path,
                             detected.error().message)};
  }
  return source;
}

Result<CsvSource> CsvSource::OfBytes(std::string bytes,
                                     std::string_view encoding) {
  CsvSource source;
  source.memory_ = std::move(bytes);
  Result<void> detected = source.Detect(encoding);
  if (!detected) return detected.error();
  return source;
}

CsvSource::CsvSource(CsvSource&& other) noexcept { *this = std::move(other); }

CsvSource& CsvSource::operator=(CsvSource&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(memory_, other.memory_);
  std::swap(offset_, other.offset_);
  std::swap(encoding_, other.encoding_);
  std::swap(bom_size_, other.bom_size_);
  std::swap(guessed_, other.guessed_);
  std::swap(odd_tail_, other.odd_tail_);
  std::swap(pending_, other.pending_);
  return *this;
}

CsvSource::~CsvSource() {
  if (file_ >= 0) close(file_);
}

Result<size_t> CsvSource::Read(std::span<char> out) {
  IMGBATCH_ASSERT(out.size() >= 4);
  const bool wide =
      encoding_ == CsvEncoding::kUtf16Le || encoding_ == CsvEncoding::kUtf16Be;
  if (!wide) return ReadRaw(out);
  while (pending_.empty()) {
    std::array<char, 16384> raw;
    Result<size_t> got = ReadRaw(raw);
    if (!got) return got;
    if (*got == 0) return size_t{0};
    const std::string_view bytes(raw.data(), *got);
    size_t at = 0;
    while (at + 2 <= bytes.size()) {
      uint32_t unit = Unit(bytes, at, encoding_);
      if (IsHighSurrogate(unit)) {
        if (at + 4 > bytes.size() && bytes.size() == raw.size()) break;
        if (at + 4 <= bytes.size()) {
          const uint32_t next = Unit(bytes, at + 2, encoding_);
          if (IsLowSurrogate(next)) {
            unit = 0x10000 + ((unit & 0x3FF) << 10) + (next & 0x3FF);
            at += 2;
          }
        }
      }
      AppendUtf8(unit, pending_);
      at += 2;
    }
    // What was read too far is read again, except at the very end.
    if (at == 0) {
      odd_tail_ = bytes;
    } else {
      offset_ -= bytes.size() - at;
    }
  }
  const size_t size = std::min(out.size(), pending_.size());
  std::copy_n(pending_.begin(), size, out.begin());
  pending_.erase(0, size);
  return size;
}

void CsvSource::Rewind() {
  offset_ = bom_size_;
  pending_.clear();
}

Result<void> CsvSource::Detect(std::string_view encoding) {
  std::vector<char> chunk;
  Result<std::string_view> first = Peek(0, chunk);
  if (!first) return first.error();
  const std::string_view start = *first;
  if (start.empty()) return Error{ErrorCode::kInput, "is empty"};

  std::optional<CsvEncoding> by_bom;
  if (start.starts_with("\xEF\xBB\xBF")) {
    by_bom = CsvEncoding::kUtf8;
    bom_size_ = 3;
  } else if (start.starts_with("\xFF\xFE")) {
    by_bom = CsvEncoding::kUtf16Le;
    bom_size_ = 2;
  } else if (start.starts_with("\xFE\xFF")) {
    by_bom = CsvEncoding::kUtf16Be;
    bom_size_ = 2;
  }
  if (!encoding.empty()) {
    const std::optional<CsvEncoding> named = EncodingFromName(encoding);
    if (!named.has_value()) {
      return Error{ErrorCode::kUsage,
                   fmt::format("cannot be read: unknown encoding \"{}\"; type "
                               "utf-8, utf-16le, utf-16be or windows-1252",
                               encoding)};
    }
    encoding_ = *named;
    // A mark of another encoding is text, then.
    if (by_bom != named) bom_size_ = 0;
  } else if (by_bom.has_value()) {
    encoding_ = *by_bom;
  } else {
    for (const Signature& signature : kNoText) {
      if (start.starts_with(signature.bytes)) {
        return Error{ErrorCode::kInput, fmt::format("is {}", signature.what)};
      }
    }
    const std::string_view first_line = start.substr(0, start.find('\n'));
    if (first_line.find('\0') != std::string_view::npos) {
      return Error{ErrorCode::kInput,
                   "is not text (its first line has NUL bytes); if it is "
                   "UTF-16 without a mark, type --encoding utf-16le or "
                   "--encoding utf-16be"};
    }
    guessed_ = true;
    Result<bool> valid = BeginsWithUtf8(start, chunk);
    if (!valid) return valid.error();
    if (!*valid) encoding_ = CsvEncoding::kWindows1252;
  }
  Rewind();
  return {};
}

Result<bool> CsvSource::BeginsWithUtf8(std::string_view piece,
                                       std::vector<char>& chunk) const {
  uint64_t offset = 0;
  while (offset < kEncodingSample && !piece.empty()) {
    const size_t valid = ValidUtf8(piece);
    offset += valid;
    if (valid < piece.size()) {
      // The end of a piece may cut a character, that of the file may not.
      if (piece.size() - valid > 3) return false;
      Result<std::string_view> again = Peek(offset, chunk);
      if (!again) return again.error();
      if (ValidUtf8(*again) == 0) return false;
      piece = *again;
      continue;
    }
    Result<std::string_view> next = Peek(offset, chunk);
    if (!next) return next.error();
    piece = *next;
  }
  return true;
}

Result<std::string_view> CsvSource::Peek(uint64_t offset,
                                         std::vector<char>& chunk) const {
  if (file_ < 0) {
    return std::string_view(memory_).substr(
        static_cast<size_t>(std::min<uint64_t>(offset, memory_.size())));
  }
  chunk.resize(kChunk);
  Result<size_t> got = ReadAt(offset, chunk);
  if (!got) return got.error();
  return std::string_view(chunk.data(), *got);
}

Result<size_t> CsvSource::ReadRaw(std::span<char> out) {
  Result<size_t> got = ReadAt(offset_, out);
  if (got) offset_ += *got;
  return got;
}

Result<size_t> CsvSource::ReadAt(uint64_t offset, std::span<char> out) const {
  if (file_ < 0) {
    if (offset >= memory_.size()) return size_t{0};
    return memory_.copy(out.data(), out.size(), offset);
  }
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = pread(file_, out.data() + done, out.size() - done,
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read the input");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void EncodeCsvText(CsvEncoding encoding, std::string& text, std::string& out) {
  if (encoding == CsvEncoding::kUtf8 || encoding == CsvEncoding::kWindows1252) {
    out += text;
    text.clear();
    return;
  }
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<uint8_t>(text[at]);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xE0 ? 2
                          : lead < 0xF0 ? 3
                                        : 4;
    if (text.size() - at < length) break;
    uint32_t code_point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
      code_point =
          code_point << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3Fu);
    }
    if (code_point >= 0x10000) {
      AppendUnit(0xD800 + ((code_point - 0x10000) >> 10), encoding, out);
      AppendUnit(0xDC00 + (code_point & 0x3FF), encoding, out);
    } else {
      AppendUnit(code_point, encoding, out);
    }
    at += length;
  }
  text.erase(0, at);
}

}  // namespace imgbatch
