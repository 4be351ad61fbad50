// The shop systems whose exports are known by their headers. To teach
// imgbatch another one, add an entry to the table in csv_dialects.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace imgbatch {

// Names are compared by NormalName; patterns as NameMatches takes them.
struct Dialect {
  using Names = std::vector<std::string_view>;

  std::string_view name;
  std::string_view title;  // For a person.
  Names required = {};     // All of these.
  Names one_of = {};       // At least one of these, if there are any.
  Names strong = {};       // The more of these the surer …
  size_t min_strong = 0;   // … and at least so many.
  Names negative = {};     // None of these.
  Names images = {};       // The image columns …
  Names else_images = {};  // … or these, when there are none of those.
  Names product = {};      // Product name: the first one that is there.
  // Rows with an equal value in this column are one product, whose name may
  // stand in its first row only. "*": any row without a name belongs to the
  // row before.
  std::string_view group = {};
};

std::span<const Dialect> Dialects();
const Dialect* DialectNamed(std::string_view name);

// How well a header fits, 0 when it does not. `why` names what was found.
int DialectScore(const Dialect& dialect, std::span<const std::string> names,
                 std::string* why);

// The columns of `names` (normal names) that match any of the patterns.
std::vector<size_t> ColumnsMatching(std::span<const std::string> names,
                                    std::span<const std::string_view> patterns);

// True for names that speak of images: "Photo 1", "bild_2", "imageUrl"; not
// for "Image Alt Text", nor for columns that imgbatch adds.
bool IsImageName(std::string_view normal_name);

// True for names of columns that imgbatch adds.
bool IsOutputName(std::string_view normal_name);

}  // namespace imgbatch
