#include "core/failure.h"

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

struct Case {
  FailureCode code;
  int status;
  bool can_pass;
};

TEST(Failure, RetriesOnlyWhatCanPass) {
  const Case cases[] = {
      {FailureCode::kInvalidUrl, 0, false},
      {FailureCode::kBlockedAddress, 0, false},
      {FailureCode::kDnsFailure, 0, true},
      {FailureCode::kConnectFailed, 0, true},
      {FailureCode::kTlsError, 0, false},
      {FailureCode::kTimeout, 0, true},
      {FailureCode::kStalled, 0, true},
      {FailureCode::kTruncated, 200, true},
      {FailureCode::kTooManyRedirects, 302, false},
      {FailureCode::kRateLimited, 429, true},
      {FailureCode::kHttpError, 400, false},
      {FailureCode::kHttpError, 403, false},
      {FailureCode::kHttpError, 404, false},
      {FailureCode::kHttpError, 408, true},
      {FailureCode::kHttpError, 410, false},
      {FailureCode::kHttpError, 425, true},
      {FailureCode::kHttpError, 500, true},
      {FailureCode::kHttpError, 503, true},
      {FailureCode::kBadResponse, 206, false},
      {FailureCode::kTooLarge, 200, false},
      {FailureCode::kRobotsRefused, 200, false},
      {FailureCode::kNotAnImage, 200, false},
      {FailureCode::kUnsupportedFormat, 200, false},
      {FailureCode::kCorruptImage, 200, false},
      {FailureCode::kTooManyPixels, 200, false},
      {FailureCode::kTooComplex, 200, false},
      {FailureCode::kCrashed, 0, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(CanPass({c.code, c.status, ""}), c.can_pass)
        << Name(c.code) << " " << c.status;
  }
}

TEST(Failure, NamesLeadBackToTheirCodes) {
  for (int code = 1; code <= static_cast<int>(FailureCode::kCrashed); ++code) {
    const auto failure = static_cast<FailureCode>(code);
    EXPECT_EQ(FailureCodeFromName(Name(failure)), failure);
  }
  EXPECT_FALSE(FailureCodeFromName("unknown").has_value());
}

}  // namespace
}  // namespace imgbatch
