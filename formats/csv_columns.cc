#include "formats/csv_columns.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/csv_cells.h"
#include "formats/csv_text.h"

namespace imgbatch {
namespace {

// What the cells of a column look like.
struct Content {
  size_t filled = 0;    // Cells that say anything.
  size_t urls = 0;      // Of these, cells of URLs only.
  size_t images = 0;    // Of these, cells whose URLs end like picture files.
  std::string example;  // The first filled cell.

  bool MostlyUrls() const { return filled > 0 && urls * 5 >= filled * 4; }
  bool MostlyImages() const { return filled > 0 && images * 5 >= filled * 4; }
};

Content ContentOf(const ColumnSample& sample, size_t column) {
  Content content;
  for (const std::vector<std::string>& row : sample.rows) {
    if (column >= row.size()) continue;
    const ImageCell cell = SplitImageCell(row[column], /*paths=*/false);
    if (cell.urls.empty()) continue;
    ++content.filled;
    if (content.example.empty()) content.example = cell.urls[0];
    const auto all = [&](bool (*test)(std::string_view)) {
      return std::all_of(cell.urls.begin(), cell.urls.end(), test);
    };
    if (all(LooksLikeUrl)) ++content.urls;
    if (all(LooksLikeImageUrl)) ++content.images;
  }
  return content;
}

// A name or number that --image-columns takes for the column.
std::string Spelling(const ColumnSample& sample, size_t column) {
  const std::string& name = sample.names[column];
  const bool plain =
      !name.empty() && name.find(',') == std::string::npos &&
      std::count(sample.names.begin(), sample.names.end(), name) == 1;
  return plain ? name : std::to_string(column + 1);
}

// A word as a shell takes it.
std::string ShellWord(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "_-./,:+@%=";
  const bool high = std::any_of(word.begin(), word.end(), [](char c) {
    return static_cast<uint8_t>(c) >= 0x80;
  });
  if (!word.empty() && !high &&
      word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

// The command line that settles it.
std::string Command(const ColumnSample& sample, std::string_view file,
                    const std::vector<size_t>& columns) {
  std::vector<std::string> names;
  for (const size_t column : columns) names.push_back(Spelling(sample, column));
  return fmt::format("imgbatch run {} --image-columns {}",
                     file == kStandardInput ? "-" : ShellWord(file),
                     ShellWord(fmt::format("{}", fmt::join(names, ","))));
}

std::string NameList(const std::vector<std::string>& names) {
  constexpr size_t kShown = 40;
  std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(
                                         std::min(names.size(), kShown)));
  std::string list = fmt::format("{}", fmt::join(shown, ", "));
  if (names.size() > kShown) {
    list += fmt::format(" … ({} in all)", names.size());
  }
  return list;
}

// The column that `text` names, by name or 1-based number.
std::optional<size_t> FindColumn(const ColumnSample& sample,
                                 std::string_view text) {
  const std::string name = NormalName(text);
  for (size_t i = 0; i < sample.names.size(); ++i) {
    if (!name.empty() && NormalName(sample.names[i]) == name) return i;
  }
  size_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || number > 10000) return std::nullopt;
    number = number * 10 + static_cast<size_t>(c - '0');
  }
  if (number == 0 || number > sample.names.size()) return std::nullopt;
  return number - 1;
}

void ChooseByFlag(const ColumnSample& sample, const std::string& wanted,
                  std::string_view file, CsvProfile& profile) {
  profile.image_columns_by = "flag";
  // A name may have commas itself: "Image URLs (x,y,z...)".
  if (const std::optional<size_t> whole = FindColumn(sample, wanted)) {
    profile.image_columns = {*whole};
    return;
  }
  size_t begin = 0;
  while (begin <= wanted.size()) {
    const size_t end = std::min(wanted.find(',', begin), wanted.size());
    const std::string_view part =
        TrimCell(std::string_view(wanted).substr(begin, end - begin));
    begin = end + 1;
    if (part.empty()) continue;
    const std::optional<size_t> column = FindColumn(sample, part);
    if (!column.has_value()) {
      profile.image_columns.clear();
      profile.image_error =
          Error{ErrorCode::kInput,
                fmt::format("no column \"{}\" in {}\n  columns here: {}", part,
                            file, NameList(sample.names))};
      return;
    }
    profile.image_columns.push_back(*column);
  }
  std::sort(profile.image_columns.begin(), profile.image_columns.end());
  const auto last =
      std::unique(profile.image_columns.begin(), profile.image_columns.end());
  profile.image_columns.erase(last, profile.image_columns.end());
}

// All image names whose cells do not contradict.
std::vector<size_t> ByName(const ColumnSample& sample,
                           const std::vector<Content>& contents,
                           bool allow_file) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < sample.names.size(); ++i) {
    if (!IsImageName(NormalName(sample.names[i]))) continue;
    const Content& content = contents[i];
    if (allow_file || content.filled == 0 ||
        content.urls * 2 >= content.filled) {
      columns.push_back(i);
    }
  }
  // An empty column beside filled ones is no choice, but it does no harm.
  return columns;
}

// "photo 1" and "photo 2" belong together.
std::string WithoutDigits(std::string_view name) {
  std::string out;
  for (const char c : NormalName(name)) {
    if (c < '0' || c > '9') out += c;
  }
  return out;
}

void ChooseByContent(const ColumnSample& sample,
                     const std::vector<Content>& contents,
                     std::string_view file, CsvProfile& profile) {
  std::vector<size_t> urls;
  std::vector<size_t> images;
  for (size_t i = 0; i < contents.size(); ++i) {
    if (IsOutputName(NormalName(sample.names[i]))) continue;
    if (contents[i].MostlyUrls()) urls.push_back(i);
    if (contents[i].MostlyImages()) images.push_back(i);
  }
  const std::vector<size_t>& found = images.empty() ? urls : images;
  const bool alike = std::all_of(found.begin(), found.end(), [&](size_t i) {
    return WithoutDigits(sample.names[i]) ==
           WithoutDigits(sample.names[found[0]]);
  });
  if (found.size() == 1 || (!found.empty() && alike && !images.empty())) {
    profile.image_columns = found;
    profile.image_columns_by = "content";
    return;
  }
  if (!found.empty()) {
    profile.image_error = Error{
        ErrorCode::kInput,
        fmt::format("{} columns of {} hold URLs and no name says which are "
                    "images\n  columns here: {}\n  hint: name them → {}",
                    found.size(), file, NameList(sample.names),
                    Command(sample, file, found))};
    return;
  }
  std::string hint = "no cell of the first rows holds a URL";
  std::vector<size_t> some;
  for (size_t i = 0; i < contents.size(); ++i) {
    if (IsOutputName(NormalName(sample.names[i]))) continue;
    if (contents[i].urls > 0) some.push_back(i);
  }
  if (!some.empty()) {
    hint =
        fmt::format("some cells hold URLs → {}", Command(sample, file, some));
  } else {
    for (size_t i = 0; i < contents.size(); ++i) {
      if (!IsImageName(NormalName(sample.names[i]))) continue;
      hint = fmt::format(
          "\"{}\" holds no URLs but \"{}\"; for files beside the "
          "CSV → --allow-file",
          sample.names[i], contents[i].example);
      break;
    }
  }
  profile.image_error = Error{
      ErrorCode::kInput,
      fmt::format("no image column found in {}\n  looked for: \"Image Src\", "
                  "\"Images\", \"image_link\", \"Input Image Urls\", …\n"
                  "  columns here: {}\n  hint: {}",
                  file, NameList(sample.names), hint)};
}

// The first of the names that is there.
std::optional<size_t> FirstNamed(const ColumnSample& sample,
                                 std::span<const std::string_view> names) {
  for (const std::string_view pattern : names) {
    for (size_t i = 0; i < sample.names.size(); ++i) {
      if (NameMatches(NormalName(sample.names[i]), pattern)) return i;
    }
  }
  return std::nullopt;
}

}  // namespace

void ChooseColumns(const ColumnSample& sample, const Dialect* dialect,
                   const std::string& wanted, std::string_view file,
                   CsvProfile& profile) {
  constexpr std::array<std::string_view, 13> kProductNames{
      "product name", "product",   "product title", "name",
      "title",        "titel",     "titre",         "nombre",
      "nom",          "item name", "artikel",       "handle",
      "sku"};
  profile.product_column = dialect != nullptr
                               ? FirstNamed(sample, dialect->product)
                               : FirstNamed(sample, kProductNames);
  if (dialect != nullptr && !dialect->group.empty()) {
    profile.carries_product = dialect->group == "*";
    if (!profile.carries_product) {
      profile.group_column = FirstNamed(sample, std::span(&dialect->group, 1));
    }
  }
  if (!wanted.empty()) {
    ChooseByFlag(sample, wanted, file, profile);
    return;
  }
  if (dialect != nullptr) {
    std::vector<std::string> names;
    for (const std::string& name : sample.names) {
      names.push_back(NormalName(name));
    }
    profile.image_columns_by = "dialect";
    profile.image_columns = ColumnsMatching(names, dialect->images);
    if (profile.image_columns.empty()) {
      profile.image_columns = ColumnsMatching(names, dialect->else_images);
    }
    if (!profile.image_columns.empty()) return;
  }
  std::vector<Content> contents;
  for (size_t i = 0; i < sample.names.size(); ++i) {
    contents.push_back(ContentOf(sample, i));
  }
  profile.image_columns = ByName(sample, contents, profile.allow_file);
  profile.image_columns_by = "name";
  if (!profile.image_columns.empty()) return;
  profile.image_columns_by.clear();
  ChooseByContent(sample, contents, file, profile);
}

}  // namespace imgbatch
