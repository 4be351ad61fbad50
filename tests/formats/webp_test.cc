#include "formats/webp.h"

#include <gtest/gtest.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "formats/exif.h"
#include "formats/webp_file.h"
#include "tests/support/compare_images.h"
#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

const CodecLimits kLimits;

ConvertedImage Converted(const std::vector<uint8_t>& webp,
                         const Recipe& recipe = {}) {
  auto result = ConvertWebp(webp, recipe, kLimits);
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
  return result ? std::move(*result) : ConvertedImage{};
}

int FormatOf(const std::vector<uint8_t>& webp) {
  WebPBitstreamFeatures features{};
  WebPGetFeatures(webp.data(), webp.size(), &features);
  return features.format;
}

TEST(Webp, LossyBecomesSmallerAndLooksTheSame) {
  for (const bool alpha : {false, true}) {
    const Pixels photo = MakePhoto(200, 150, 1);
    const auto webp = MakeWebp(alpha ? WithAlpha(photo) : photo);
    const ConvertedImage result = Converted(webp);
    EXPECT_EQ(result.how, DoneHow::kRecompressed);
    EXPECT_LT(result.bytes.size(), webp.size());
    EXPECT_LT(Difference(ReadWebp(webp), ReadWebp(result.bytes)), 8);
    EXPECT_EQ(result.width, 200u);
    EXPECT_EQ(result.height, 150u);
  }
}

TEST(Webp, LosslessStaysLosslessWhereThatIsSmaller) {
  WebpOptions options;
  options.lossless = true;
  const auto drawing = MakeWebp(MakeDrawing(200, 150, 1), options);
  EXPECT_EQ(FormatOf(Converted(drawing).bytes), 2);
  EXPECT_EQ(Difference(ReadWebp(drawing), ReadWebp(Converted(drawing).bytes)),
            0);
  const auto photo = MakeWebp(MakePhoto(200, 150, 1), options);
  EXPECT_EQ(FormatOf(Converted(photo).bytes), 1);
}

TEST(Webp, Quality100KeepsLosslessPixels) {
  WebpOptions options;
  options.lossless = true;
  Recipe recipe;
  recipe.quality = 100;
  const auto photo = MakeWebp(WithAlpha(MakePhoto(200, 150, 1)), options);
  EXPECT_EQ(
      Difference(ReadWebp(photo), ReadWebp(Converted(photo, recipe).bytes)), 0);
}

TEST(Webp, ALowQualitySourceIsKept) {
  WebpOptions options;
  options.quality = 20;
  const auto webp = MakeWebp(MakePhoto(200, 150, 1), options);
  const ConvertedImage result = Converted(webp);
  EXPECT_EQ(result.how, DoneHow::kKeptOriginal);
  EXPECT_EQ(result.bytes, webp);
  EXPECT_EQ(result.reason, "saves less than 2 %");
}

TEST(Webp, KeepsProfileAndOrientationAndDropsTheRest) {
  for (const float quality : {20.0f, 95.0f}) {  // Kept, and encoded again.
    WebpOptions options;
    options.quality = quality;
    options.icc = MakeProfile("RGB ");
    options.exif = MinimalExif(8);
    options.exif.resize(500);
    options.xmp = "<x:xmpmeta/>";
    const auto webp = MakeWebp(MakePhoto(200, 150, 1), options);
    const ConvertedImage result = Converted(webp);
    const auto file = ReadWebpFile(result.bytes);
    ASSERT_TRUE(file.has_value());
    EXPECT_TRUE(std::equal(file->icc.begin(), file->icc.end(),
                           options.icc.begin(), options.icc.end()));
    EXPECT_EQ(file->orientation, 8);
    EXPECT_EQ(file->exif.size(), 26u);
    EXPECT_TRUE(file->xmp.empty());
    EXPECT_EQ(FormatOf(result.bytes), 1);

    Recipe keep;
    keep.keep_metadata = true;
    const ConvertedImage kept = Converted(webp, keep);
    EXPECT_FALSE(ReadWebpFile(kept.bytes)->xmp.empty());
  }
}

TEST(Webp, AnAnimationKeepsEveryFrame) {
  const auto webp = MakeAnimatedWebp(
      {MakePhoto(64, 48, 1), MakePhoto(64, 48, 2), MakePhoto(64, 48, 3)},
      false);
  const ConvertedImage result = Converted(webp);
  EXPECT_LE(result.bytes.size(), webp.size());
  EXPECT_EQ(ReadWebpFile(result.bytes)->frames, 3);
  EXPECT_EQ(result.how == DoneHow::kKeptOriginal, !result.reason.empty());
}

TEST(Webp, RefusesTooManyFrames) {
  CodecLimits limits;
  limits.max_frames = 2;
  const auto webp = MakeAnimatedWebp(
      {MakePhoto(64, 48, 1), MakePhoto(64, 48, 2), MakePhoto(64, 48, 3)},
      false);
  const auto result = ConvertWebp(webp, {}, limits);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, FailureCode::kTooComplex);
}

TEST(Webp, RefusesEveryTruncation) {
  WebpOptions lossless;
  lossless.lossless = true;
  for (const auto& webp :
       {MakeWebp(MakePhoto(50, 50, 1)),
        MakeWebp(MakePhoto(50, 50, 1), lossless),
        MakeWebp(WithAlpha(MakePhoto(50, 50, 1))),
        MakeAnimatedWebp({MakePhoto(50, 50, 1), MakePhoto(50, 50, 2)}, true)}) {
    for (size_t size = 12; size + 1 < webp.size(); size += 29) {
      const auto result =
          ConvertWebp(std::span(webp.data(), size), {}, kLimits);
      ASSERT_FALSE(result.has_value()) << size;
      EXPECT_EQ(result.error().code, FailureCode::kCorruptImage) << size;
    }
  }
}

TEST(Webp, ReadsTheLimitsFromTheHeader) {
  CodecLimits limits;
  limits.max_pixels = 50 * 50 - 1;
  const auto cost = WebpCost(MakeWebp(MakePhoto(50, 50, 1)), limits);
  ASSERT_FALSE(cost.has_value());
  EXPECT_EQ(cost.error().code, FailureCode::kTooManyPixels);
}

}  // namespace
}  // namespace imgbatch
