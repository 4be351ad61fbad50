// The names under which images appear in the images directory. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/image_format.h"
#include "core/result.h"

namespace imgbatch {

// What a name can be made of.
struct NameParts {
  int64_t row = 0;
  int32_t place = 0;
  std::string_view url;      // Normal form.
  std::string_view name;     // Last path segment of the URL.
  std::string_view product;  // Product name of the row.
  std::string_view batch;    // UUID.
};

// A checked `--name` template.
class NameTemplate {
 public:
  // Fields {row} {row:06} {n} {n:02} {name} {product} {hash} {batch}, and
  // {ext} at the end (added when it is not there). kUsage for anything else,
  // for '/' and for names longer than a file system takes.
  static Result<NameTemplate> Parse(std::string_view text);

  // The file name without its extension: at most 200 bytes, without slashes,
  // control characters and a leading dot. Empty for the default template,
  // whose stems never need to be stored; see DefaultStem.
  std::string Stem(const NameParts& parts) const;

 private:
  enum class Field : uint8_t {
    kText,
    kRow,
    kPlace,
    kName,
    kProduct,
    kHash,
    kBatch
  };
  struct Piece {
    Field field = Field::kText;
    std::string text;
    int width = 0;  // Digits, padded with zeros.
  };
  std::vector<Piece> pieces_;
  bool is_default_ = false;
};

inline constexpr char kDefaultNameTemplate[] = "{row:06}-{n}.{ext}";

// "000012-1".
std::string DefaultStem(int64_t row, int32_t place);

// "000012-1.jpg"; `stem` empty means the default one.
std::string FileName(std::string_view stem, int64_t row, int32_t place,
                     ImageFormat format);

}  // namespace imgbatch
