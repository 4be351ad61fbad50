// The bytes of a CSV file as text in order: windows-1252 as it is, everything
// else as UTF-8. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "formats/csv_text.h"

namespace imgbatch {

// What "-" is called in messages.
inline constexpr std::string_view kStandardInput = "standard input";

class CsvSource {
 public:
  // "-" is standard input. What cannot be read twice (pipes) is copied into a
  // temporary file first. `encoding` as --encoding gives it; empty: by BOM,
  // else UTF-8 when the first 64 MiB are valid, else windows-1252. kInput for
  // a directory, an empty file, and what is plainly no text, kUsage for an
  // unknown encoding, kIo.
  static Result<CsvSource> Open(const std::string& path,
                                std::string_view encoding);
  // The same over bytes that are there already.
  static Result<CsvSource> OfBytes(std::string bytes,
                                   std::string_view encoding);

  CsvSource(CsvSource&& other) noexcept;
  CsvSource& operator=(CsvSource&& other) noexcept;
  ~CsvSource();

  // Fills the beginning of `out` with text, which is at least 4 bytes; 0 at
  // the end. A UTF-16 file that ends within a character ends before it.
  Result<size_t> Read(std::span<char> out);
  // The next Read is the first again.
  void Rewind();

  CsvEncoding encoding() const { return encoding_; }
  // Bytes of the byte order mark, which Read does not give.
  size_t bom_size() const { return bom_size_; }
  // True when nothing said so: cells that are no UTF-8 are windows-1252 then.
  bool encoding_guessed() const { return guessed_; }
  // Bytes at the end of a UTF-16 file that make no character.
  std::string_view odd_tail() const { return odd_tail_; }

 private:
  CsvSource() = default;
  Result<void> Detect(std::string_view encoding);
  // Whether the file, whose beginning is `piece`, is UTF-8 as far as it is
  // looked at.
  Result<bool> BeginsWithUtf8(std::string_view piece,
                              std::vector<char>& chunk) const;
  // Bytes from a place on, which `chunk` may hold; none at the end.
  Result<std::string_view> Peek(uint64_t offset,
                                std::vector<char>& chunk) const;
  Result<size_t> ReadRaw(std::span<char> out);
  // Bytes at a place, wherever the reading is; fewer at the end.
  Result<size_t> ReadAt(uint64_t offset, std::span<char> out) const;

  int file_ = -1;       // -1: the bytes are in memory_.
  std::string memory_;  // Instead of a file.
  uint64_t offset_ = 0;
  CsvEncoding encoding_ = CsvEncoding::kUtf8;
  size_t bom_size_ = 0;
  bool guessed_ = false;
  std::string odd_tail_;
  std::string pending_;  // UTF-8 that did not fit, of UTF-16.
};

// Back to the file's own bytes, for what Read gave and for what is added to
// it. `text` may end within a character: that part stays in it.
void EncodeCsvText(CsvEncoding encoding, std::string& text, std::string& out);

}  // namespace imgbatch
