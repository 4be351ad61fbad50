#include "cli/config.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

Options With(std::initializer_list<std::pair<const char*, const char*>> values,
             std::vector<std::string> arguments = {"in/products.csv"}) {
  Options options;
  options.command = "run";
  options.arguments = std::move(arguments);
  for (const auto& [name, value] : values) {
    options.Set(name, value, std::string("--") + name);
  }
  return options;
}

TEST(Config, QualityIsANumberOrAShare) {
  EXPECT_EQ(RecipeFrom(With({}))->quality, 50);
  EXPECT_EQ(RecipeFrom(With({{"quality", "75"}}))->quality, 75);
  auto share = RecipeFrom(With({{"quality", "60%"}}));
  EXPECT_EQ(share->quality, 60);
  EXPECT_TRUE(share->quality_is_percent);
  for (const char* text : {"0", "101", "x", "", "%", "50.5", "-1"}) {
    auto recipe = RecipeFrom(With({{"quality", text}}));
    ASSERT_FALSE(recipe) << text;
    EXPECT_EQ(recipe.error().code, ErrorCode::kUsage);
  }
}

TEST(Config, PathsComeFromTheInput) {
  auto settings = SettingsFrom(With({}), "in/products.csv");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->images_dir_shown, "products-images");
  EXPECT_EQ(settings->images_dir.front(), '/');
  EXPECT_TRUE(settings->output_path.ends_with("/products-output.csv"));
  settings = SettingsFrom(With({}), "-");
  EXPECT_TRUE(settings->output_path.ends_with("/stdin-output.csv"));
  EXPECT_EQ(settings->images_dir_shown, "stdin-images");
}

TEST(Config, SeveralInputsNeedAStem) {
  const std::vector<std::string> two{"a.csv", "b.csv"};
  EXPECT_FALSE(SettingsFrom(With({{"output", "out.csv"}}, two), "a.csv"));
  auto settings = SettingsFrom(
      With({{"output", "out/{stem}.csv"}, {"images", "{stem}/"}}, two),
      "a.csv");
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->output_path.ends_with("/out/a.csv"));
  EXPECT_EQ(settings->images_dir_shown, "a");
}

TEST(Config, WrongValuesSayWhatToType) {
  struct Case {
    const char* name;
    const char* value;
    const char* message;
  };
  const Case cases[] = {
      {"concurrency", "0",
       "--concurrency \"0\": type a number from 1 to 10000"},
      {"timeout", "soon",
       "--timeout \"soon\": type a duration such as 500ms, 30s or 5m"},
      {"max-bytes", "many",
       "--max-bytes \"many\": type a size such as 50M or 512MiB"},
      {"if-running", "hope",
       "--if-running \"hope\": type fail, wait, skip or join"},
      {"fail-on", "0",
       "--fail-on \"0\": type none, any, all, a number such as 10 or a share "
       "such as 5%"},
      {"allow-net", "10.0.0.0/99",
       "--allow-net \"10.0.0.0/99\": type networks such as "
       "10.0.0.0/8,fd00::/8"},
      {"base-url", "cdn.example",
       "--base-url \"cdn.example\": type a URL such as "
       "https://cdn.example/images"},
      {"effort", "hard", "--effort \"hard\": type fast, balanced or max"},
  };
  for (const Case& c : cases) {
    const Options options = With({{c.name, c.value}, {"store", "/tmp/s.db"}});
    auto process = ProcessConfigFrom(options);
    auto settings = SettingsFrom(options, "a.csv");
    auto recipe = RecipeFrom(options);
    const std::string message = !process    ? process.error().message
                                : !settings ? settings.error().message
                                : !recipe   ? recipe.error().message
                                            : "accepted";
    EXPECT_EQ(message, c.message);
  }
}

TEST(Config, TheStoreHasAPlaceOfItsOwn) {
  setenv("STATE_DIRECTORY", "/var/lib/imgbatch", 1);
  EXPECT_EQ(*StorePathFrom(With({})), "/var/lib/imgbatch/imgbatch.db");
  unsetenv("STATE_DIRECTORY");
  setenv("XDG_STATE_HOME", "/home/u/state", 1);
  EXPECT_EQ(*StorePathFrom(With({})), "/home/u/state/imgbatch/imgbatch.db");
  unsetenv("XDG_STATE_HOME");
  EXPECT_EQ(*StorePathFrom(With({{"store", "/x/y.db"}})), "/x/y.db");
}

}  // namespace
}  // namespace imgbatch
