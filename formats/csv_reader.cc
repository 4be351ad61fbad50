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
constexpr size_t kReadAhead = size_t{256} << 10;

// Where a scan stands within a record.
enum class At : uint8_t {
  kFieldStart,
  kPlain,       // In a field without quotes.
  kQuoted,      // Between quotes.
  kAfterQuote,  // After the closing one; only spaces may follow.
  kLost,        // The record is bad; looking for its line end.
};

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
  record.kind = CsvRecord::Kind::kFields;
  record.line = line_;
  record.byte_offset = offset_;

  At state = At::kFieldStart;
  if (in_rest_) {
    record.kind = CsvRecord::Kind::kRest;
    state = At::kLost;
  }
  const auto spoil = [&](std::string reason) {
    if (record.kind != CsvRecord::Kind::kFields) return;
    record.kind = CsvRecord::Kind::kBad;
    record.reason = std::move(reason);
  };
  CsvField field;             // Being read; places from begin_ on.
  size_t field_begin = 0;     // From begin_ on, as all places here.
  size_t close = 0;           // After the closing quote.
  int64_t lines = 0;          // Line ends within the record.
  int64_t quote_lines = 0;    // `lines` where the quote opened.
  size_t quote_content = 0;   // At the first line end between quotes, …
  size_t quote_line_end = 0;  // … and after it; 0: there is none.

  const auto end_field = [&](size_t at) {
    if (state == At::kLost) return;
    field.begin = static_cast<uint32_t>(field_begin);
    field.end = static_cast<uint32_t>(at);
    if (record.fields.size() < limits_.max_fields) {
      record.fields.push_back(field);
    } else {
      spoil(fmt::format("more than {} fields", limits_.max_fields));
    }
    if (at - field_begin > limits_.max_field) {
      spoil(fmt::format("field {} is larger than {} bytes",
                        record.fields.size(), limits_.max_field));
    }
    field = CsvField{};
    field_begin = at + 1;
  };
  // A quote went wrong: the record ends with the line in which it opened.
  const auto end_at_quote_line = [&] {
    line_ += quote_lines + 1;
    Finish(record, quote_content, quote_line_end);
    ScanFrom(begin_);
    return true;
  };
  const auto end_record = [&](size_t content_end, size_t end) {
    line_ += lines + (end > content_end ? 1 : 0);
    in_rest_ = false;
    Finish(record, content_end, end);
    return true;
  };
  const auto too_long = [&] {
    spoil(fmt::format("longer than {} bytes", limits_.max_record));
    in_rest_ = true;
    line_ += lines;
    Finish(record, limits_.max_record, limits_.max_record);
    ScanFrom(begin_);
    return true;
  };

  while (true) {
    size_t at = 0;
    if (!NextSpecial(at)) {
      const size_t size = end_ - begin_;
      if (size > limits_.max_record) {
        if (state == At::kQuoted && quote_line_end > 0) {
          spoil(fmt::format(
              "the quote opened in line {} is not closed within {} bytes",
              line_ + quote_lines, limits_.max_record));
          return end_at_quote_line();
        }
        return too_long();
      }
      Result<bool> more = Fill();
      if (!more) return more.error();
      if (*more) continue;
      if (size == 0) {
        in_rest_ = false;
        return false;
      }
      if (state == At::kQuoted) {
        spoil(fmt::format("the quote opened in line {} is never closed",
                          line_ + quote_lines));
        if (quote_line_end > 0) return end_at_quote_line();
        state = At::kLost;
      }
      if (state == At::kAfterQuote &&
          !OnlySpaces(buffer_.data() + begin_ + close, buffer_.data() + end_)) {
        spoil(fmt::format("text after a closing quote in line {}",
                          line_ + quote_lines));
        if (quote_line_end > 0) return end_at_quote_line();
        state = At::kLost;
      }
      end_field(size);
      return end_record(size, size);
    }
    if (at > limits_.max_record) {
      if (state == At::kQuoted && quote_line_end > 0) {
        spoil(fmt::format(
            "the quote opened in line {} is not closed within {} bytes",
            line_ + quote_lines, limits_.max_record));
        return end_at_quote_line();
      }
      return too_long();
    }
    const char c = buffer_[begin_ + at];
    // One character ahead decides what a CR and a quote are.
    if ((c == '\r' || c == '"') && begin_ + at + 1 == end_ && !at_end_) {
      Result<bool> more = Fill();
      if (!more) return more.error();
      ScanFrom(begin_ + at);
      continue;
    }
    const char next = begin_ + at + 1 < end_ ? buffer_[begin_ + at + 1] : '\0';
    const bool crlf = c == '\r' && next == '\n';
    const bool line_end = c == '\n' || crlf || (c == '\r' && format_.cr_ends);
    if (crlf) ScanFrom(begin_ + at + 2);

    if (state == At::kFieldStart) {
      state = At::kPlain;
      if (c == '"' && at == field_begin) {
        field.quoted = true;
        state = At::kQuoted;
        quote_lines = lines;
        quote_line_end = 0;
        continue;
      }
    }
    if (state == At::kQuoted) {
      if (c == '"' && next == '"') {
        field.escaped = true;
        ScanFrom(begin_ + at + 2);
      } else if (c == '"') {
        state = At::kAfterQuote;
        close = at + 1;
      } else if (line_end) {
        ++lines;
        if (quote_line_end == 0) {
          quote_content = at;
          quote_line_end = at + (crlf ? 2 : 1);
        }
      } else if (c == '\0') {
        spoil("a NUL byte");
      }
      continue;
    }
    if (state == At::kAfterQuote && !OnlySpaces(buffer_.data() + begin_ + close,
                                                buffer_.data() + begin_ + at)) {
      spoil(fmt::format("text after a closing quote in line {}",
                        line_ + quote_lines));
      if (quote_line_end > 0) return end_at_quote_line();
      state = At::kLost;
    }
    if (line_end) {
      end_field(at);
      ++(c == '\n' ? line_ends_.lf : crlf ? line_ends_.crlf : line_ends_.cr);
      return end_record(at, at + (crlf ? 2 : 1));
    }
    if (c == format_.delimiter) {
      if (state != At::kLost) {
        end_field(at);
        state = At::kFieldStart;
      }
    } else if (c == '\0') {
      spoil("a NUL byte");
    } else if (state == At::kAfterQuote) {
      // A second quote after `"…" `, or a CR alone.
      spoil(fmt::format("text after a closing quote in line {}",
                        line_ + quote_lines));
      if (quote_line_end > 0) return end_at_quote_line();
      state = At::kLost;
    }
  }
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
  begin_ += end;
  offset_ += static_cast<int64_t>(FileBytes(record.raw, source_.encoding()));
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
