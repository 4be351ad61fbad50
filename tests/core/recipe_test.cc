#include "core/recipe.h"

#include <set>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

Recipe Make(int quality, bool percent, Effort effort, bool keep, int min) {
  Recipe recipe;
  recipe.quality = quality;
  recipe.quality_is_percent = percent;
  recipe.effort = effort;
  recipe.keep_metadata = keep;
  recipe.min_savings_percent = min;
  return recipe;
}

TEST(Recipe, DefaultHasTheDocumentedText) {
  EXPECT_EQ(ToText(Recipe{}), "quality=50;effort=fast;metadata=strip;min=2");
}

TEST(Recipe, TextLeadsBackToTheRecipe) {
  for (int quality : {1, 50, 100}) {
    for (bool percent : {false, true}) {
      for (Effort effort : {Effort::kFast, Effort::kBalanced, Effort::kMax}) {
        for (bool keep : {false, true}) {
          for (int min : {0, 2, 99}) {
            const Recipe recipe = Make(quality, percent, effort, keep, min);
            const auto parsed = ParseRecipe(ToText(recipe));
            ASSERT_TRUE(parsed.has_value()) << ToText(recipe);
            EXPECT_EQ(*parsed, recipe) << ToText(recipe);
          }
        }
      }
    }
  }
}

TEST(Recipe, LeavesOutWhatIsAtItsDefault) {
  const auto parsed = ParseRecipe("quality=30%");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed, Make(30, true, Effort::kFast, false, 2));
  EXPECT_EQ(*ParseRecipe(""), Recipe{});
}

TEST(Recipe, RefusesWhatItCannotRead) {
  for (const char* text :
       {"quality", "quality=", "quality=0", "quality=101", "quality=5x",
        "quality=%", "quality=-1", "effort=slow", "metadata=", "min=100",
        "min=-1", "quality=1;quality=2", ";", "quality=50;;effort=fast",
        "quality=99999999999999999999"}) {
    const auto parsed = ParseRecipe(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt) << text;
  }
}

TEST(Recipe, SaysWhenANewerProgramWroteIt) {
  const auto parsed = ParseRecipe("quality=50;resize=100x100");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, ErrorCode::kNewerSchema);
}

TEST(Recipe, FingerprintsDifferExactlyWhereRecipesDo) {
  std::set<std::string> seen;
  for (const Recipe& recipe : {Make(50, false, Effort::kFast, false, 2),
                               Make(51, false, Effort::kFast, false, 2),
                               Make(50, true, Effort::kFast, false, 2),
                               Make(50, false, Effort::kMax, false, 2),
                               Make(50, false, Effort::kFast, true, 2),
                               Make(50, false, Effort::kFast, false, 3)}) {
    const std::string print = Fingerprint(recipe);
    EXPECT_EQ(print.size(), 16u);
    EXPECT_EQ(print.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(print, Fingerprint(recipe));
    EXPECT_TRUE(seen.insert(print).second) << ToText(recipe);
  }
}

}  // namespace
}  // namespace imgbatch
