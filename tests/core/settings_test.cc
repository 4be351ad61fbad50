#include "core/settings.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

TEST(Settings, ComeBackFromTheirText) {
  Settings settings;
  settings.output_path = "/tmp/50% off\nnew.csv";
  settings.images_dir = "/tmp/images";
  settings.base_url = "https://cdn.example/a%20b";
  settings.error_column = true;
  settings.network.public_only = true;
  settings.network.allowed = {*ParseCidr("10.0.0.0/8"), *ParseCidr("fd00::/8")};
  settings.retries = 7;
  settings.timeout = Milliseconds(1500);
  settings.max_bytes = 123456789012;
  const std::string text = ToText(settings);
  auto parsed = ParseSettings(text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(ToText(*parsed), text);
  EXPECT_EQ(parsed->output_path, settings.output_path);
  EXPECT_EQ(parsed->timeout, settings.timeout);
  ASSERT_EQ(parsed->network.allowed.size(), 2U);
  EXPECT_EQ(parsed->network.allowed[1].prefix, 8);
}

TEST(Settings, AtTheirDefaultsAreNoText) {
  EXPECT_EQ(ToText(Settings()), "");
  EXPECT_TRUE(ParseSettings(""));
}

TEST(Settings, OfANewerProgramAreRefused) {
  auto parsed = ParseSettings("watermark=logo.png\n");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::kNewerSchema);
}

TEST(Settings, WhenDamagedAreRefused) {
  for (const char* text : {"retries=many\n", "error_column=2\n", "output=%Z1\n",
                           "output=%4\n", "retries\n", "allow_net=nowhere\n"}) {
    auto parsed = ParseSettings(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace imgbatch
