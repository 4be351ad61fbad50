#include "formats/png.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "formats/bytes.h"
#include "formats/png_file.h"
#include "tests/support/compare_images.h"
#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

const CodecLimits kLimits;

Recipe Lossless() {
  Recipe recipe;
  recipe.quality = 100;
  return recipe;
}

// Offset of the first chunk of that type, or npos.
size_t FindChunk(const std::vector<uint8_t>& png, std::string_view type) {
  for (size_t at = 8; at + 12 <= png.size(); at += 12 + Be32(&png[at])) {
    if (HasAt(png, at + 4, type)) return at;
  }
  return std::string::npos;
}
bool HasChunk(const std::vector<uint8_t>& png, std::string_view type) {
  return FindChunk(png, type) != std::string::npos;
}

ConvertedImage Converted(const std::vector<uint8_t>& png,
                         const Recipe& recipe = {}) {
  auto result = ConvertPng(png, recipe, kLimits);
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
  return result ? std::move(*result) : ConvertedImage{};
}

TEST(Png, EveryKindKeepsItsPixelsAtQuality100) {
  for (const bool interlaced : {false, true}) {
    for (int kind = 0; kind < kPngKinds; ++kind) {
      for (const auto& [width, height] : {std::pair{67, 41}, {1, 1}, {3, 70}}) {
        PngOptions options;
        options.interlaced = interlaced;
        const Pixels pixels = WithAlpha(MakePhoto(width, height, 3));
        const auto png = MakePng(pixels, static_cast<PngKind>(kind), options);
        const ConvertedImage result = Converted(png, Lossless());
        EXPECT_LE(result.bytes.size(), png.size()) << kind;
        EXPECT_EQ(Difference(ReadPng(png), ReadPng(result.bytes)), 0)
            << kind << " interlaced " << interlaced;
        EXPECT_EQ(result.width, uint32_t(width));
        EXPECT_EQ(result.height, uint32_t(height));
      }
    }
  }
}

TEST(Png, EveryKindLooksTheSameAtQuality50) {
  for (int kind = 0; kind < kPngKinds; ++kind) {
    const auto png =
        MakePng(WithAlpha(MakePhoto(120, 90, 5)), static_cast<PngKind>(kind));
    const ConvertedImage result = Converted(png);
    EXPECT_LE(result.bytes.size(), png.size()) << kind;
    EXPECT_LT(Difference(ReadPng(png), ReadPng(result.bytes)), 8) << kind;
  }
}

TEST(Png, DrawingsBecomeMuchSmallerWithoutLoss) {
  const auto png = MakePng(MakeDrawing(300, 200, 2), PngKind::kRgb8);
  const ConvertedImage result = Converted(png);
  EXPECT_EQ(result.how, DoneHow::kRecompressed);
  EXPECT_EQ(Difference(ReadPng(png), ReadPng(result.bytes)), 0);
  EXPECT_LT(result.bytes.size(), png.size() / 2);
}

TEST(Png, PhotosGetAPaletteUnlessQualityIs100) {
  const auto png = MakePng(MakePhoto(300, 200, 1), PngKind::kRgb8);
  size_t last = png.size();
  for (const int quality : {100, 90, 50, 10}) {
    Recipe recipe;
    recipe.quality = quality;
    const ConvertedImage result = Converted(png, recipe);
    const auto colour = ReadPngFile(result.bytes, kLimits)->header.colour;
    EXPECT_EQ(colour == PngColour::kPalette, quality < 100) << quality;
    EXPECT_LT(result.bytes.size(), last) << quality;
    last = result.bytes.size();
  }
}

TEST(Png, AGreyProfileKeepsGreyPicturesGrey) {
  PngOptions options;
  options.icc = MakeProfile("GRAY");
  const auto png = MakePng(MakePhoto(300, 200, 1), PngKind::kGrey8, options);
  const ConvertedImage result = Converted(png);
  const auto file = ReadPngFile(result.bytes, kLimits);
  EXPECT_EQ(result.how, DoneHow::kRecompressed);
  EXPECT_EQ(file->header.colour, PngColour::kGrey);
  EXPECT_TRUE(HasChunk(result.bytes, "iCCP"));
}

TEST(Png, KeepsWhatDoesNotPayWithoutMetadata) {
  PngOptions options;
  options.level = 9;
  options.comment = "made by a test";
  // A palette of 16 greys at the best level: nothing is left to save.
  const auto png = MakePng(MakePhoto(64, 64, 1), PngKind::kGrey4, options);
  Recipe recipe;
  recipe.min_savings_percent = 30;
  const ConvertedImage result = Converted(png, recipe);
  EXPECT_EQ(result.how, DoneHow::kKeptOriginal);
  EXPECT_EQ(result.reason, "saves less than 30 %");
  EXPECT_FALSE(HasChunk(result.bytes, "tEXt"));
  EXPECT_EQ(Difference(ReadPng(png), ReadPng(result.bytes)), 0);
}

TEST(Png, KeepsColourAndOrientationAndDropsTheRest) {
  PngOptions options;
  options.icc = MakeProfile("RGB ");
  options.comment = "made by a test";
  options.orientation = 6;
  const auto png = MakePng(MakePhoto(64, 64, 1), PngKind::kRgb8, options);
  const ConvertedImage result = Converted(png);
  EXPECT_EQ(result.how, DoneHow::kRecompressed);
  EXPECT_TRUE(HasChunk(result.bytes, "iCCP"));
  EXPECT_TRUE(HasChunk(result.bytes, "eXIf"));
  EXPECT_FALSE(HasChunk(result.bytes, "tEXt"));
  EXPECT_EQ(ReadPngFile(result.bytes, kLimits)->orientation, 6);

  Recipe keep;
  keep.keep_metadata = true;
  EXPECT_TRUE(HasChunk(Converted(png, keep).bytes, "tEXt"));
}

TEST(Png, AnRgbProfileKeepsGreyPicturesRgb) {
  PngOptions options;
  options.icc = MakeProfile("RGB ");
  Pixels grey = MakePhoto(64, 64, 1);
  for (size_t i = 0; i < grey.data.size(); i += 3) {
    grey.data[i + 1] = grey.data[i + 2] = grey.data[i];
  }
  const auto with = Converted(MakePng(grey, PngKind::kRgb8, options));
  EXPECT_NE(ReadPngFile(with.bytes, kLimits)->header.colour, PngColour::kGrey);
  const auto without = Converted(MakePng(grey, PngKind::kRgb8), Lossless());
  EXPECT_EQ(ReadPngFile(without.bytes, kLimits)->header.colour,
            PngColour::kGrey);
}

TEST(Png, AForeignProfileIsDropped) {
  PngOptions options;
  options.icc = MakeProfile("CMYK");
  const auto png = MakePng(MakePhoto(64, 64, 1), PngKind::kRgb8, options);
  EXPECT_FALSE(HasChunk(Converted(png).bytes, "iCCP"));
}

TEST(Png, LinearSamplesKeepTheir16Bits) {
  PngOptions options;
  options.gamma = 1.0;
  const auto png = MakePng(MakePhoto(64, 64, 1), PngKind::kRgb16, options);
  const auto file = ReadPngFile(Converted(png).bytes, kLimits);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->header.bit_depth, 16);
}

TEST(Png, AnAnimationIsKeptAsItIs) {
  const auto png = MakeAnimatedPng(
      {MakePhoto(40, 30, 1), MakePhoto(40, 30, 2), MakePhoto(40, 30, 3)});
  const ConvertedImage result = Converted(png);
  EXPECT_EQ(result.how, DoneHow::kKeptOriginal);
  EXPECT_EQ(result.bytes, png);
  EXPECT_EQ(result.reason, "an animated PNG is kept as it is");
}

TEST(Png, AMissingFrameIsCorrupt) {
  auto png = MakeAnimatedPng({MakePhoto(40, 30, 1), MakePhoto(40, 30, 2)});
  size_t last = 0;
  for (size_t at = 8; at + 12 <= png.size(); at += 12 + Be32(&png[at])) {
    if (HasAt(png, at + 4, "fcTL")) last = at;
  }
  png.erase(png.begin() + last, png.begin() + last + 38);
  const auto result = ConvertPng(png, {}, kLimits);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, FailureCode::kCorruptImage);
}

TEST(Png, RefusesEveryTruncation) {
  const auto png = MakePng(MakePhoto(50, 50, 1), PngKind::kRgb8);
  for (size_t size = 8; size < png.size(); size += 37) {
    const std::span cut(png.data(), size);
    const auto result = ConvertPng(cut, {}, kLimits);
    ASSERT_FALSE(result.has_value()) << size;
    EXPECT_EQ(result.error().code, FailureCode::kCorruptImage) << size;
  }
}

TEST(Png, RefusesEveryFlippedBitOfThePixels) {
  const auto png = MakePng(MakePhoto(20, 20, 1), PngKind::kRgb8);
  for (size_t at = FindChunk(png, "IDAT"); at < png.size() - 12; at += 11) {
    auto flipped = png;
    flipped[at] ^= 4;
    const auto result = ConvertPng(flipped, {}, kLimits);
    ASSERT_FALSE(result.has_value()) << at;
  }
}

TEST(Png, ReadsTheLimitsFromTheHeader) {
  auto png = MakePng(MakePhoto(16, 16, 1), PngKind::kRgb8);
  CodecLimits limits;
  limits.max_pixels = 16 * 16;
  EXPECT_TRUE(PngCost(png, limits).has_value());
  limits.max_pixels = 16 * 16 - 1;
  const auto cost = PngCost(png, limits);
  ASSERT_FALSE(cost.has_value());
  EXPECT_EQ(cost.error().code, FailureCode::kTooManyPixels);
  const auto result = ConvertPng(png, {}, limits);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, FailureCode::kTooManyPixels);
}

TEST(Png, AppleVariantIsUnsupported) {
  auto png = MakePng(MakePhoto(16, 16, 1), PngKind::kRgb8);
  std::vector<uint8_t> apple(png.begin(), png.begin() + 8);
  AppendPngChunk(apple, "CgBI", std::vector<uint8_t>(4));
  apple.insert(apple.end(), png.begin() + 8, png.end());
  const auto result = ConvertPng(apple, {}, kLimits);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, FailureCode::kUnsupportedFormat);
}

TEST(Png, WhatFollowsTheEndIsDropped) {
  auto png = MakePng(MakePhoto(16, 16, 1), PngKind::kGrey1);
  const size_t size = png.size();
  png.resize(size + 100);
  Recipe recipe;
  recipe.min_savings_percent = 99;
  EXPECT_EQ(Converted(png, recipe).bytes.size(), size);
}

}  // namespace
}  // namespace imgbatch
