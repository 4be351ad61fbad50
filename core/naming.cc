#include "core/naming.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/hash.h"

namespace imgbatch {
namespace {

constexpr size_t kMaxStem = 200;  // Bytes: 255 less "-99999", ".ext", temp.

bool IsUnsafe(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f ||
         std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
}

// Cuts at a character, not inside of one (UTF-8 continuation bytes 10xxxxxx).
void Truncate(std::string& text, size_t size) {
  if (text.size() <= size) return;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
    --size;
  }
  text.resize(size);
}

std::string Cleaned(std::string_view text) {
  std::string clean(text);
  std::replace_if(clean.begin(), clean.end(), IsUnsafe, '_');
  Truncate(clean, 100);
  return clean;
}

std::string_view WithoutExtension(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot > 6) {
    return name;
  }
  return name.substr(0, dot);
}

Error BadTemplate(std::string_view text, const std::string& why) {
  return {ErrorCode::kUsage,
          fmt::format("--name {}: {}; use text with {{row:06}} {{n}} {{name}} "
                      "{{product}} {{hash}} {{batch}} {{ext}}",
                      text, why)};
}

}  // namespace

Result<NameTemplate> NameTemplate::Parse(std::string_view text) {
  NameTemplate parsed;
  parsed.is_default_ = text == kDefaultNameTemplate;
  constexpr std::string_view kExt = ".{ext}";
  std::string_view rest = text;
  if (rest.size() >= kExt.size() &&
      rest.substr(rest.size() - kExt.size()) == kExt) {
    rest.remove_suffix(kExt.size());
  }
  if (rest.empty()) return BadTemplate(text, "the name is empty");
  if (rest.size() > kMaxStem) return BadTemplate(text, "the name is too long");
  bool varies = false;
  while (!rest.empty()) {
    if (rest.front() != '{') {
      const std::string_view literal = rest.substr(0, rest.find('{'));
      if (std::any_of(literal.begin(), literal.end(), IsUnsafe)) {
        return BadTemplate(text, "a name cannot contain / \\ : * ? \" < > |");
      }
      parsed.pieces_.push_back({Field::kText, std::string(literal), 0});
      rest.remove_prefix(literal.size());
      continue;
    }
    const size_t end = rest.find('}');
    if (end == std::string_view::npos) {
      return BadTemplate(text, "a { is never closed");
    }
    std::string_view field = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    Piece piece;
    const size_t colon = field.find(':');
    if (colon != std::string_view::npos) {
      for (const char digit : field.substr(colon + 1)) {
        if (digit < '0' || digit > '9' || piece.width > 1) {
          return BadTemplate(text, "a width is one or two digits, as in 06");
        }
        piece.width = piece.width * 10 + (digit - '0');
      }
      field = field.substr(0, colon);
    }
    if (field == "row") {
      piece.field = Field::kRow;
    } else if (field == "n") {
      piece.field = Field::kPlace;
    } else if (field == "name") {
      piece.field = Field::kName;
    } else if (field == "product") {
      piece.field = Field::kProduct;
    } else if (field == "hash") {
      piece.field = Field::kHash;
    } else if (field == "batch") {
      piece.field = Field::kBatch;
    } else {
      return BadTemplate(text, fmt::format("{{{}}} is not known", field));
    }
    varies = varies || piece.field != Field::kBatch;
    parsed.pieces_.push_back(std::move(piece));
  }
  if (!varies) return BadTemplate(text, "every image would get the same name");
  return parsed;
}

std::string NameTemplate::Stem(const NameParts& parts) const {
  if (is_default_) return "";
  std::string stem;
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case Field::kText:
        stem += piece.text;
        break;
      case Field::kRow:
        stem += fmt::format("{:0{}}", parts.row, piece.width);
        break;
      case Field::kPlace:
        stem += fmt::format("{:0{}}", parts.place, piece.width);
        break;
      case Field::kName:
        stem += Cleaned(WithoutExtension(parts.name));
        break;
      case Field::kProduct:
        stem += Cleaned(parts.product);
        break;
      case Field::kHash:
        stem += ToHex(HashOf(parts.url)).substr(0, 16);
        break;
      case Field::kBatch:
        stem += parts.batch;
        break;
    }
  }
  Truncate(stem, kMaxStem);
  if (stem.empty()) stem = "image";
  if (stem.front() == '.') stem.front() = '_';
  return stem;
}

std::string DefaultStem(int64_t row, int32_t place) {
  return fmt::format("{:06}-{}", row, place);
}

std::string FileName(std::string_view stem, int64_t row, int32_t place,
                     ImageFormat format) {
  std::string name = stem.empty() ? DefaultStem(row, place) : std::string(stem);
  name += '.';
  name += Extension(format);
  return name;
}

}  // namespace imgbatch
