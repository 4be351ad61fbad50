#include "store/batch_names.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

const std::vector<std::string> kUuids = {
    "01900000-aaaa-7000-8000-00000000beef",
    "01900000-bbbb-7000-8000-00000000cafe",
    "01911111-cccc-7000-8000-00000001cafe",
};

struct Case {
  const char* name;
  int index;  // In kUuids; -1: not found, -2: not usable.
};

class BatchNames : public testing::TestWithParam<Case> {};

TEST_P(BatchNames, MeanWhatPeopleExpect) {
  const Result<std::string> uuid = ResolveBatchName(GetParam().name, kUuids);
  if (GetParam().index >= 0) {
    ASSERT_TRUE(uuid) << uuid.error().message;
    EXPECT_EQ(*uuid, kUuids[static_cast<size_t>(GetParam().index)]);
  } else {
    ASSERT_FALSE(uuid);
    EXPECT_EQ(uuid.error().code, GetParam().index == -1 ? ErrorCode::kNotFound
                                                        : ErrorCode::kUsage);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, BatchNames,
    testing::Values(Case{"latest", 2}, Case{"beef", 0}, Case{"0000beef", 0},
                    Case{"01911", 2}, Case{"01900000-bb", 1},
                    Case{"01900000BB", 1}, Case{"0001CAFE", 2},
                    Case{"01900000-aaaa-7000-8000-00000000beef", 0},
                    Case{"01900000aaaa7000800000000000beef", 0},
                    Case{"cafe", -2}, Case{"0190", -2}, Case{"eef", -2},
                    Case{"", -2}, Case{"dead", -1}, Case{"shop.csv", -1},
                    Case{"a'; DROP", -1}));

TEST(BatchNamesMessage, ListsWhatAnAmbiguousNameCouldBe) {
  const Result<std::string> uuid = ResolveBatchName("cafe", kUuids);
  ASSERT_FALSE(uuid);
  EXPECT_NE(uuid.error().message.find(kUuids[1]), std::string::npos);
  EXPECT_NE(uuid.error().message.find(kUuids[2]), std::string::npos);
}

TEST(BatchNamesMessage, SaysThatThereIsNoBatch) {
  EXPECT_EQ(ResolveBatchName("latest", {}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace imgbatch
