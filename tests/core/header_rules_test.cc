#include "core/header_rules.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

TEST(HeaderRules, GoToTheirHostsOnly) {
  auto rules = HeaderRules::Parse(
      "# tokens\n"
      "cdn.example X-Token: abc: def\r\n"
      "\n"
      "*.Shop.Example\tAuthorization: Bearer x\n"
      "127.0.0.1:8080 X-Test: 1");
  ASSERT_TRUE(rules) << rules.error().message;
  ASSERT_EQ(rules->For("cdn.example").size(), 1U);
  EXPECT_EQ(rules->For("cdn.example")[0].value, "abc: def");
  EXPECT_EQ(rules->For("img.shop.example").size(), 1U);
  EXPECT_EQ(rules->For("127.0.0.1:8080").size(), 1U);
  for (const char* host : {"shop.example", "cdn.example:81", "xcdn.example",
                           "cdn.example.evil", "127.0.0.1", "myshop.example"}) {
    EXPECT_TRUE(rules->For(host).empty()) << host;
  }
}

TEST(HeaderRules, NameTheLineThatIsWrong) {
  struct Case {
    const char* text;
    const char* line;
  };
  const Case cases[] = {{"a.example", "line 1"},
                        {"\na.example X-Token secret", "line 2"},
                        {"a.example X Token: secret", "line 1"},
                        {"a.example X-Token:", "line 1"},
                        {"a.example Host: secret", "line 1"},
                        {"a.example X: sec\x01ret", "line 1"}};
  for (const Case& c : cases) {
    auto rules = HeaderRules::Parse(c.text);
    ASSERT_FALSE(rules) << c.text;
    EXPECT_EQ(rules.error().message.find(c.line), 0U) << rules.error().message;
  }
}

}  // namespace
}  // namespace imgbatch
