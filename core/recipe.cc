#include "core/recipe.h"

#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "core/hash.h"

namespace imgbatch {
namespace {

// Raise it with every change that makes an encoder write other bytes: older
// results are then not reused.
constexpr std::string_view kEncoders = "encoders=1";

constexpr std::array<std::string_view, 3> kEffortNames{"fast", "balanced",
                                                       "max"};

std::optional<int> ParseNumber(std::string_view text, int lowest, int highest) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  if (value < lowest || value > highest) return std::nullopt;
  return value;
}

// False when the value makes no sense.
bool SetQuality(std::string_view value, Recipe& recipe) {
  recipe.quality_is_percent = value.ends_with('%');
  if (recipe.quality_is_percent) value.remove_suffix(1);
  const auto quality = ParseNumber(value, 1, 100);
  recipe.quality = quality.value_or(0);
  return quality.has_value();
}

bool SetEffort(std::string_view value, Recipe& recipe) {
  for (size_t i = 0; i < kEffortNames.size(); ++i) {
    if (value != kEffortNames[i]) continue;
    recipe.effort = static_cast<Effort>(i);
    return true;
  }
  return false;
}

bool SetMetadata(std::string_view value, Recipe& recipe) {
  recipe.keep_metadata = value == "keep";
  return value == "keep" || value == "strip";
}

bool SetMinSavings(std::string_view value, Recipe& recipe) {
  const auto percent = ParseNumber(value, 0, 99);
  recipe.min_savings_percent = percent.value_or(0);
  return percent.has_value();
}

struct Key {
  std::string_view name;
  bool (*set)(std::string_view value, Recipe& recipe);
};
constexpr std::array<Key, 4> kKeys{{{"quality", SetQuality},
                                    {"effort", SetEffort},
                                    {"metadata", SetMetadata},
                                    {"min", SetMinSavings}}};

Error Bad(std::string_view text, std::string_view item) {
  return Error{ErrorCode::kCorrupt,
               fmt::format("recipe \"{}\": cannot read \"{}\"", text, item)};
}

}  // namespace

std::string ToText(const Recipe& recipe) {
  return fmt::format("quality={}{};effort={};metadata={};min={}",
                     recipe.quality, recipe.quality_is_percent ? "%" : "",
                     kEffortNames.at(static_cast<size_t>(recipe.effort)),
                     recipe.keep_metadata ? "keep" : "strip",
                     recipe.min_savings_percent);
}

Result<Recipe> ParseRecipe(std::string_view text) {
  Recipe recipe;
  std::array<bool, kKeys.size()> seen{};
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) return Bad(text, item);
    size_t index = 0;
    while (index < kKeys.size() &&
           kKeys[index].name != item.substr(0, equals)) {
      ++index;
    }
    if (index == kKeys.size()) {
      return Error{ErrorCode::kNewerSchema,
                   fmt::format("recipe \"{}\": \"{}\" is of a newer imgbatch",
                               text, item)};
    }
    if (seen[index]) return Bad(text, item);
    seen[index] = true;
    if (!kKeys[index].set(item.substr(equals + 1), recipe)) {
      return Bad(text, item);
    }
  }
  return recipe;
}

std::string Fingerprint(const Recipe& recipe) {
  const std::string text = fmt::format("{};{}", ToText(recipe), kEncoders);
  return ToHex(HashOf(std::string_view(text))).substr(0, 16);
}

}  // namespace imgbatch
