#include "formats/gif.h"

#include <gtest/gtest.h>

#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

const CodecLimits kLimits;

TEST(Gif, ComesThroughByteForByte) {
  const auto gif = MakeGif({MakePhoto(60, 40, 1)});
  const auto result = ConvertGif(gif, {}, kLimits);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->bytes, gif);
  EXPECT_EQ(result->how, DoneHow::kKeptOriginal);
  EXPECT_EQ(result->reason, "a GIF is kept as it is");
  EXPECT_EQ(result->width, 60u);
  EXPECT_EQ(result->height, 40u);
}

TEST(Gif, AnAnimationKeepsItsFramesAndRepetition) {
  const auto gif = MakeGif({MakePhoto(60, 40, 1), MakePhoto(60, 40, 2)});
  const auto result = ConvertGif(gif, {}, kLimits);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->bytes, gif);
  EXPECT_EQ(result->reason,
            "an animated GIF is kept as it is, with its 2 frames");
}

TEST(Gif, LosesItsCommentsOnly) {
  const std::string comment(300, 'x');
  const std::vector<Pixels> frames{MakePhoto(60, 40, 1)};
  const auto gif = MakeGif(frames, comment);
  EXPECT_EQ(ConvertGif(gif, {}, kLimits)->bytes, MakeGif(frames));
  Recipe keep;
  keep.keep_metadata = true;
  EXPECT_EQ(ConvertGif(gif, keep, kLimits)->bytes, gif);
}

TEST(Gif, RefusesEveryTruncation) {
  const auto gif = MakeGif({MakePhoto(40, 40, 1), MakePhoto(40, 40, 2)}, "c");
  for (size_t size = 6; size < gif.size(); ++size) {
    const auto result = ConvertGif(std::span(gif.data(), size), {}, kLimits);
    ASSERT_FALSE(result.has_value()) << size;
    EXPECT_EQ(result.error().code, FailureCode::kCorruptImage) << size;
  }
}

TEST(Gif, RefusesAHugeCanvasAndAHugeFrame) {
  CodecLimits limits;
  limits.max_pixels = 40 * 40;
  auto gif = MakeGif({MakePhoto(40, 40, 1)});
  EXPECT_TRUE(ConvertGif(gif, {}, limits).has_value());
  limits.max_pixels = 40 * 40 - 1;
  EXPECT_EQ(GifCost(gif, limits).error().code, FailureCode::kTooManyPixels);
  gif[6] = 10;  // A small canvas with a large frame.
  EXPECT_TRUE(GifCost(gif, limits).has_value());
  EXPECT_EQ(ConvertGif(gif, {}, limits).error().code,
            FailureCode::kTooManyPixels);
}

}  // namespace
}  // namespace imgbatch
