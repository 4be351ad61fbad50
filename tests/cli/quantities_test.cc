#include "cli/quantities.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

TEST(Quantities, ReadDurations) {
  EXPECT_EQ(ParseDuration("500ms"), Milliseconds(500));
  EXPECT_EQ(ParseDuration("30s"), Milliseconds(30'000));
  EXPECT_EQ(ParseDuration("30"), Milliseconds(30'000));
  EXPECT_EQ(ParseDuration("1.5m"), Milliseconds(90'000));
  EXPECT_EQ(ParseDuration("90d"), Milliseconds(int64_t{90} * 86'400'000));
  for (const char* text : {"", "s", "0s", "-5s", "5 s", "5y", "1e3s", "."}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
}

TEST(Quantities, ReadSizes) {
  EXPECT_EQ(ParseSize("1000"), 1000U);
  EXPECT_EQ(ParseSize("50MiB"), 50U << 20);
  EXPECT_EQ(ParseSize("50M"), 50'000'000U);
  EXPECT_EQ(ParseSize("0.5GiB"), 1U << 29);
  for (const char* text :
       {"", "0", "-1", "5X", "MiB", "99999999999999999999"}) {
    EXPECT_FALSE(ParseSize(text).has_value()) << text;
  }
}

TEST(Quantities, ShowNumbersAsPeopleReadThem) {
  EXPECT_EQ(ShowCount(0), "0");
  EXPECT_EQ(ShowCount(999), "999");
  EXPECT_EQ(ShowCount(12480), "12,480");
  EXPECT_EQ(ShowCount(-1234567), "-1,234,567");
  EXPECT_EQ(ShowBytes(999), "999 B");
  EXPECT_EQ(ShowBytes(1000), "1.0 kB");
  EXPECT_EQ(ShowBytes(999'950), "1.0 MB");
  EXPECT_EQ(ShowBytes(38'400'000), "38.4 MB");
  EXPECT_EQ(ShowDuration(Milliseconds(52'400)), "0:52");
  EXPECT_EQ(ShowDuration(Milliseconds(3'723'000)), "1:02:03");
  EXPECT_EQ(ShowShare(573, 1000), "57.3 %");
  EXPECT_EQ(ShowShare(1, 0), "0 %");
  EXPECT_EQ(ShowUtc(1'763'785'542'123), "2025-11-22T04:25:42.123Z");
}

}  // namespace
}  // namespace imgbatch
