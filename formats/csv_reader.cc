#include "formats/csv_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace imgbatch {
namespace {

constexpr size_t kBlock = 64;
constexpr size_t kReadAhead = size_t{64} << 10;

bool OnlySpaces(const char* begin, const char* end) {
  return std::all_of(begin, end, [](char c) { return c == ' '; });
}

// Bytes of the file that this text was.
size_t FileBytes(std::string_view text, CsvEncoding encoding) {
  if (encoding == CsvEncoding::kUtf8 || encoding == CsvEncoding::kWindows1252) {
    return text.size();
  }
  size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte & 0xC0) != 0x80) units += byte >= 0xF0 ? 2 : 1;
  }
  return units * 2;
}

// A record being read. Places are counted from its beginning.
class Scan {
 public:
  enum class Step : uint8_t {
    kGoOn,
    kEnd,           // The record ends at content_end() and end().
    kSkipNextByte,  // It belongs to this one: CR LF between quotes, or "".
  };

  Scan(CsvRecord& record, const CsvFormat& format, const CsvLimits& limits,
       int64_t line, bool lost)
      : record_(record),
        format_(format),
        limits_(limits),
        line_(line),
        state_(lost ? At::kLost : At::kPlain) {
    record.kind = lost ? CsvRecord::Kind::kRest : CsvRecord::Kind::kFields;
  }

  // The byte `c` at `at`, and what follows it: '\0' at the end of the text.
  // `text` is the record's. All bytes between those that were taken are plain.
  Step Take(const char* text, size_t at, char c, char next) {
    const bool crlf = c == '\r' && next == '\n';
    const bool line_end = c == '\n' || crlf || (c == '\r' && format_.cr_ends);
    if (state_ == At::kQuoted) return TakeQuoted(at, c, next, line_end);
    if (state_ == At::kPlain && c == '"' && at == field_begin_) {
      field_.quoted = true;
      state_ = At::kQuoted;
      quote_line_ = line_ + lines_;
      quote_line_end_ = 0;
      return Step::kGoOn;
    }
    if (state_ == At::kAfterQuote && (!OnlySpaces(text + close_, text + at) ||
                                      (!line_end && c != format_.delimiter))) {
      if (SpoilByTextAfterQuote()) return Step::kEnd;
    }
    if (line_end) {
      EndField(at);
      ++lines_;
      return End(at, at + (crlf ? 2 : 1));
    }
    if (c == format_.delimiter) {
      EndField(at);
      if (state_ != At::kLost) state_ = At::kPlain;
    } else if (c == '\0') {
      Spoil("a NUL byte");
    }
    return Step::kGoOn;
  }

  // The text ends at `size`.
  void TakeEnd(const char* text, size_t size) {
    if (state_ == At::kQuoted) {
      Spoil(fmt::format("the quote opened in line {} is never closed",
                        quote_line_));
      if (EndAtQuoteLine()) return;
      state_ = At::kLost;
    }
    if (state_ == At::kAfterQuote && !OnlySpaces(text + close_, text + size) &&
        SpoilByTextAfterQuote()) {
      return;
    }
    EndField(size);
    End(size, size);
  }

  // No end within the limit. True when the rest belongs to the record as well.
  bool TakeTooLong() {
    if (state_ == At::kQuoted && quote_line_end_ > 0) {
      Spoil(fmt::format(
          "the quote opened in line {} is not closed within {} bytes",
          quote_line_, limits_.max_record));
      EndAtQuoteLine();
      return false;
    }
    Spoil(fmt::format("longer than {} bytes", limits_.max_record));
    End(limits_.max_record, limits_.max_record);
    return true;
  }

  // A field without quotes ends: the one thing that must be fast.
  bool IsPlain() const { return state_ == At::kPlain; }
  void EndField(size_t at) {
    if (state_ == At::kLost) return;
    field_.begin = static_cast<uint32_t>(field_begin_);
    field_.end = static_cast<uint32_t>(at);
    if (record_.fields.size() < limits_.max_fields) {
      record_.fields.push_back(field_);
    } else {
      Spoil(fmt::format("more than {} fields", limits_.max_fields));
    }
    if (at - field_begin_ > limits_.max_field) {
      Spoil(fmt::format("field {} is larger than {} bytes",
                        record_.fields.size(), limits_.max_field));
    }
    field_ = CsvField{};
    field_begin_ = at + 1;
  }

  size_t content_end() const { return content_end_; }
  size_t end() const { return end_; }
  // Line ends in the record, its own included.
  int64_t lines() const { return lines_; }

 private:
  enum class At : uint8_t {
    kPlain,       // In a field without quotes, or at the beginning of any.
    kQuoted,      // Between quotes.
    kAfterQuote,  // After the closing one; only spaces may follow.
    kLost,        // The record is bad; looking for its line end.
  };

  Step TakeQuoted(size_t at, char c, char next, bool line_end) {
    if (c == '"' && next == '"') {
      field_.escaped = true;
      return Step::kSkipNextByte;
    }
    if (c == '"') {
      state_ = At::kAfterQuote;
      close_ = at + 1;
    } else if (line_end) {
      const bool two = c == '\r' && next == '\n';
      ++lines_;
      if (quote_line_end_ == 0) {
        quote_line_content_ = at;
        quote_line_end_ = at + (two ? 2 : 1);
      }
      if (two) return Step::kSkipNextByte;
    } else if (c == '\0') {
      Spoil("a NUL byte");
    }
    return Step::kGoOn;
  }

  void Spoil(std::string reason) {
    if (record_.kind != CsvRecord::Kind::kFields) return;
    record_.kind = CsvRecord::Kind::kBad;
    record_.reason = std::move(reason);
  }

  // True when the record ended by it.
  bool SpoilByTextAfterQuote() {
    const bool one_line = quote_line_end_ == 0;
    Spoil(one_line ? "text after a closing quote"
                   : fmt::format("the quote opened in line {} ends in line {}, "
                                 "before other text",
                                 quote_line_, line_ + lines_));
    state_ = At::kLost;
    return EndAtQuoteLine();
  }

  // A quote went wrong: the record ends with the line in which it opened, if
  // that is not the one where it was noticed, and the next one has a chance.
  bool EndAtQuoteLine() {
    if (quote_line_end_ == 0) return false;
    lines_ = quote_line_ - line_ + 1;
    End(quote_line_content_, quote_line_end_);
    return true;
  }

  Step End(size_t content_end, size_t end) {
    content_end_ = content_end;
    end_ = end;
    return Step::kEnd;
  }

  CsvRecord& record_;
  const CsvFormat format_;
  const CsvLimits limits_;
  const int64_t line_;
  At state_;
  CsvField field_;                 // Being read, …
  size_t field_begin_ = 0;         // … from here on.
  size_t close_ = 0;               // After the closing quote.
  int64_t lines_ = 0;              // Line ends so far.
  int64_t quote_line_ = 0;         // Where the latest quote opened.
  size_t quote_line_content_ = 0;  // The end of that line, if it ended …
  size_t quote_line_end_ = 0;      // … between quotes; 0: it did not.
  size_t content_end_ = 0;
  size_t end_ = 0;
};

}  // namespace

std::string_view FieldText(std::string_view raw, const CsvField& field,
                           std::string& scratch) {
  std::string_view text = raw.substr(field.begin, field.end - field.begin);
  if (!field.quoted) return text;
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  text = text.substr(1, text.size() - 2);
  if (!field.escaped) return text;
  scratch.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    scratch += text[i];
    if (text[i] == '"') ++i;
  }
  return scratch;
}

CsvReader::CsvReader(CsvSource& source, CsvFormat format, CsvLimits limits)
    : source_(source),
      format_(format),
      limits_(limits),
      offset_(static_cast<int64_t>(source.bom_size())) {
  buffer_.resize(kReadAhead + kBlock);
}

Result<std::string> CsvReader::TakeRaw(size_t bytes) {
  IMGBATCH_ASSERT(bytes <= limits_.max_record);
  while (end_ - begin_ < bytes) {
    Result<bool> more = Fill();
    if (!more) return more.error();
    if (!*more) break;
  }
  const size_t size = std::min(bytes, end_ - begin_);
  std::string text(buffer_.data() + begin_, size);
  for (size_t i = 0; i < text.size(); ++i) {
    const bool crlf = i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] == '\n' || (text[i] == '\r' && format_.cr_ends && !crlf)) {
      ++line_;
    }
  }
  begin_ += size;
  offset_ += static_cast<int64_t>(FileBytes(text, source_.encoding()));
  ScanFrom(begin_);
  return text;
}

Result<bool> CsvReader::Next(CsvRecord& record) {
  record.fields.clear();
  record.reason.clear();
  record.line = line_;
  record.byte_offset = offset_;
  Scan scan(record, format_, limits_, line_, in_rest_);
  while (true) {
    size_t at = 0;
    const bool found = NextSpecial(at);
    if (found ? at > limits_.max_record : end_ - begin_ > limits_.max_record) {
      in_rest_ = scan.TakeTooLong();
      break;
    }
    if (!found) {
      Result<bool> more = Fill();
      if (!more) return more;
      if (*more) continue;
      in_rest_ = false;
      if (begin_ == end_) return false;
      scan.TakeEnd(buffer_.data() + begin_, end_ - begin_);
      break;
    }
    const char c = buffer_[begin_ + at];
    if (c == format_.delimiter && scan.IsPlain()) {
      scan.EndField(at);
      continue;
    }
    // One byte ahead decides what a CR or a quote is.
    const bool last = begin_ + at + 1 == end_;
    if (last && !at_end_ && (c == '\r' || c == '"')) {
      Result<bool> more = Fill();
      if (!more) return more;
      ScanFrom(begin_ + at);
      continue;
    }
    const char next = last ? '\0' : buffer_[begin_ + at + 1];
    const Scan::Step step = scan.Take(buffer_.data() + begin_, at, c, next);
    if (step == Scan::Step::kSkipNextByte) NextSpecial(at);
    if (step == Scan::Step::kEnd) {
      in_rest_ = false;
      break;
    }
  }
  line_ += scan.lines();
  Finish(record, scan.content_end(), scan.end());
  return true;
}

Result<bool> CsvReader::Fill() {
  if (at_end_) return false;
  const size_t kept = end_ - begin_;
  if (begin_ > 0) {
    resume_ -= begin_;
    std::memmove(buffer_.data(), buffer_.data() + begin_, kept);
    begin_ = 0;
    end_ = kept;
  }
  if (buffer_.size() < end_ + kBlock + kReadAhead / 2) {
    buffer_.resize(std::min(buffer_.size() * 2,
                            limits_.max_record + 2 * kReadAhead + kBlock));
  }
  const size_t room = buffer_.size() - kBlock - end_;
  IMGBATCH_ASSERT(room >= 4);
  Result<size_t> got = source_.Read({buffer_.data() + end_, room});
  if (!got) return got.error();
  end_ += *got;
  at_end_ = *got == 0;
  ScanFrom(resume_);
  return !at_end_;
}

void CsvReader::ScanFrom(size_t at) {
  block_ = at;
  resume_ = at;
  specials_ =
      at < end_ ? FindSpecials(buffer_.data() + at, format_.delimiter) : 0;
}

bool CsvReader::NextSpecial(size_t& at) {
  while (specials_ == 0) {
    if (block_ + kBlock >= end_) {
      resume_ = end_;
      return false;
    }
    ScanFrom(block_ + kBlock);
  }
  const size_t found =
      block_ + static_cast<size_t>(std::countr_zero(specials_));
  if (found >= end_) {
    resume_ = end_;
    return false;
  }
  specials_ &= specials_ - 1;
  resume_ = found + 1;
  at = found - begin_;
  return true;
}

void CsvReader::Finish(CsvRecord& record, size_t content_end, size_t end) {
  record.raw = std::string_view(buffer_.data() + begin_, end);
  record.content = content_end;
  if (record.kind == CsvRecord::Kind::kFields && content_end == 0) {
    record.kind = CsvRecord::Kind::kBlank;
  }
  const std::string_view line_end = record.line_end();
  if (line_end == "\n") ++line_ends_.lf;
  if (line_end == "\r\n") ++line_ends_.crlf;
  if (line_end == "\r") ++line_ends_.cr;
  begin_ += end;
  offset_ += static_cast<int64_t>(FileBytes(record.raw, source_.encoding()));
  // It may have ended before or after what was looked at.
  if (resume_ != begin_) ScanFrom(begin_);
}

uint64_t FindSpecialsPortably(const char* text, char delimiter) {
  uint64_t bits = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const char c = text[i];
    const bool special =
        c == delimiter || c == '"' || c == '\n' || c == '\r' || c == '\0';
    bits |= uint64_t{special} << i;
  }
  return bits;
}

#if defined(__SSE2__)
uint64_t FindSpecials(const char* text, char delimiter) {
  uint64_t bits = 0;
  for (size_t i = 0; i < kBlock; i += 16) {
    const __m128i bytes =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    const auto equal = [&](char c) {
      return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
    };
    const __m128i any =
        _mm_or_si128(_mm_or_si128(_mm_or_si128(equal(delimiter), equal('"')),
                                  _mm_or_si128(equal('\n'), equal('\r'))),
                     equal('\0'));
    bits |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(any)))
            << i;
  }
  return bits;
}
#else
uint64_t FindSpecials(const char* text, char delimiter) {
  return FindSpecialsPortably(text, delimiter);
}
#endif

}  // namespace imgbatch
