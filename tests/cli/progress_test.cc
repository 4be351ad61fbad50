#include "cli/progress.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

ProgressNumbers Numbers() {
  ProgressNumbers numbers;
  numbers.tally.total = 29'117;
  numbers.tally.done = 18'038;
  numbers.tally.failed = 14;
  numbers.tally.bytes_source = 1000;
  numbers.tally.bytes_stored = 427;
  numbers.images_rate = 211;
  numbers.bytes_rate = 38.4e6;
  return numbers;
}

TEST(Progress, SaysHowFarAndHowLong) {
  EXPECT_EQ(ProgressLine(Numbers(), 0, false),
            "61 %  18,052/29,117  211 images/s  38.4 MB/s  saved 57.3 %  "
            "failed 14  ETA 0:52");
}

TEST(Progress, ShowsThatTheTotalStillGrows) {
  ProgressNumbers numbers = Numbers();
  numbers.sealed = false;
  const std::string line = ProgressLine(numbers, 0, false);
  EXPECT_NE(line.find("18,052/29,117+"), std::string::npos);
  EXPECT_EQ(line.find("ETA"), std::string::npos);
}

TEST(Progress, NeverIsWiderThanTheTerminal) {
  for (int width = 1; width < 200; ++width) {
    const std::string line = ProgressLine(Numbers(), width, true);
    int characters = 0;
    for (const char c : line) {
      characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }
    EXPECT_LE(characters, std::max(width - 1, 0)) << width;
  }
}

}  // namespace
}  // namespace imgbatch
