#include "store/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

struct Case {
  std::string bytes;
  bool clean;
};

class CleanText : public testing::TestWithParam<Case> {};

TEST_P(CleanText, IsUtf8WithoutNul) {
  // At every offset within a word, and with a word after it.
  for (int before = 0; before < 9; ++before) {
    const std::string text =
        std::string(static_cast<size_t>(before), 'a') + GetParam().bytes;
    EXPECT_EQ(IsCleanText(text), GetParam().clean) << before;
    EXPECT_EQ(IsCleanText(text + "abcdefgh"), GetParam().clean) << before;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, CleanText,
    testing::Values(Case{"", true}, Case{"plain", true}, Case{"\xC3\xA9", true},
                    Case{"\xE2\x82\xAC", true}, Case{"\xF0\x9F\x98\x80", true},
                    Case{"\xEF\xBF\xBF", true}, Case{"\xF4\x8F\xBF\xBF", true},
                    Case{std::string("\0", 1), false}, Case{"\xE9", false},
                    Case{"\xC3(", false}, Case{"\x80", false},
                    Case{"\xC0\xAF", false},          // Overlong "/".
                    Case{"\xE0\x9F\xBF", false},      // Overlong.
                    Case{"\xED\xA0\x80", false},      // A surrogate.
                    Case{"\xF0\x8F\xBF\xBF", false},  // Overlong.
                    Case{"\xF4\x90\x80\x80", false},  // Above U+10FFFF.
                    Case{"\xF5\x80\x80\x80", false}, Case{"\xE2\x82(", false},
                    Case{"\xFF", false}));

}  // namespace
}  // namespace imgbatch
