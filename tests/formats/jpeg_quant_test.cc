#include "formats/jpeg_quant.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

TEST(StepsAtQuality, AreAnnexKAtFifty) {
  const JpegSteps luma = StepsAtQuality(50, JpegPlane::kLuma);
  EXPECT_EQ(luma[0], 16);
  EXPECT_EQ(luma[1], 11);
  EXPECT_EQ(luma[2], 12);
  EXPECT_EQ(luma[63], 99);
  EXPECT_EQ(StepsAtQuality(100, JpegPlane::kChroma)[63], 1);
  EXPECT_EQ(StepsAtQuality(1, JpegPlane::kLuma)[63], 255);
}

TEST(EstimateQuality, InvertsStepsAtQuality) {
  for (int quality = 2; quality <= 100; ++quality) {
    EXPECT_EQ(EstimateQuality(StepsAtQuality(quality, JpegPlane::kLuma)),
              quality);
  }
}

TEST(JpegRequantizer, RoundsExactly) {
  constexpr int kSteps[] = {1, 2, 3, 7, 16, 99, 255, 256, 4095, 65535};
  for (const int from : kSteps) {
    for (const int to : kSteps) {
      if (to <= from) continue;
      JpegSteps source, target;
      source.fill(static_cast<uint16_t>(from));
      target.fill(static_cast<uint16_t>(to));
      const JpegRequantizer luma(source, target, JpegPlane::kLuma);
      const JpegRequantizer chroma(source, target, JpegPlane::kChroma);
      for (int32_t value = 0; value <= 32767; ++value) {
        const int64_t size = int64_t{value} * from;
        const int64_t nearest = (size + to / 2) / to;
        const int64_t low = (size + to * 2 / 5) / to;
        const bool dead = size <= to * 13 / 25;
        ASSERT_EQ(luma(0, value), nearest);
        ASSERT_EQ(luma(9, value), dead ? 0 : nearest);
        ASSERT_EQ(luma(9, -value), -luma(9, value));
        ASSERT_EQ(chroma(0, value), nearest);
        ASSERT_EQ(chroma(9, value), dead ? 0 : low);
      }
    }
  }
}

TEST(JpegRequantizer, LeavesEqualStepsAlone) {
  const JpegSteps steps = StepsAtQuality(37, JpegPlane::kChroma);
  const JpegRequantizer requantize(steps, steps, JpegPlane::kChroma);
  for (int position = 0; position < 64; ++position) {
    for (int32_t value = -2047; value <= 2047; ++value) {
      ASSERT_EQ(requantize(position, value), value);
    }
  }
}

TEST(PlanSteps, NeverGoesBelowTheSource) {
  JpegHeader header;
  header.components = 3;
  header.color = JpegColor::kYcc;
  std::array<JpegSteps, 4> source{};
  for (auto& steps : source) steps.fill(30);
  const JpegStepPlan plan = PlanSteps(header, source, {.quality = 50});
  EXPECT_TRUE(plan.coarser);
  EXPECT_EQ(plan.target[0][0], 30);
  EXPECT_EQ(plan.target[0][63], 99);
  EXPECT_EQ(plan.target[1][4], 30);
  EXPECT_FALSE(PlanSteps(header, source, {.quality = 100}).coarser);
}

}  // namespace
}  // namespace imgbatch
