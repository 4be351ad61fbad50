#include "formats/avif.h"

#include <algorithm>
#include <string>

#include <avif/avif.h>
#include <gtest/gtest.h>

#include "tests/support/compare_images.h"
#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

const CodecLimits kLimits;

struct AvifOptions {
  int depth = 8;
  int quantizer = 8;
  std::string exif;
  bool turned = false;
  int frames = 1;
};

std::vector<uint8_t> MakeAvif(const Pixels& pixels,
                              const AvifOptions& options = {}) {
  avifEncoder* encoder = avifEncoderCreate();
  encoder->speed = 10;
  encoder->minQuantizer = encoder->maxQuantizer = options.quantizer;
  for (int frame = 0; frame < options.frames; ++frame) {
    avifImage* image = avifImageCreate(static_cast<int>(pixels.width),
                                       static_cast<int>(pixels.height),
                                       options.depth, AVIF_PIXEL_FORMAT_YUV420);
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, image);
    rgb.depth = 8;
    rgb.format =
        pixels.channels == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    std::vector<uint8_t> data = pixels.data;
    rgb.pixels = data.data();
    rgb.rowBytes = pixels.width * static_cast<uint32_t>(pixels.channels);
    avifImageRGBToYUV(image, &rgb);
    const std::vector<uint8_t> icc = MakeProfile("RGB ");
    avifImageSetProfileICC(image, icc.data(), icc.size());
    if (!options.exif.empty()) {
      avifImageSetMetadataExif(
          image, reinterpret_cast<const uint8_t*>(options.exif.data()),
          options.exif.size());
    }
    if (options.turned) {
      image->transformFlags |= AVIF_TRANSFORM_IROT;
      image->irot.angle = 1;
    }
    const auto flags = options.frames > 1 ? AVIF_ADD_IMAGE_FLAG_NONE
                                          : AVIF_ADD_IMAGE_FLAG_SINGLE;
    EXPECT_EQ(avifEncoderAddImage(encoder, image, 1, flags), AVIF_RESULT_OK);
    avifImageDestroy(image);
  }
  avifRWData file = AVIF_DATA_EMPTY;
  EXPECT_EQ(avifEncoderFinish(encoder, &file), AVIF_RESULT_OK);
  avifEncoderDestroy(encoder);
  std::vector<uint8_t> bytes(file.data, file.data + file.size);
  avifRWDataFree(&file);
  return bytes;
}

struct Seen {
  Pixels pixels;
  uint32_t depth = 0;
  size_t icc = 0;
  size_t exif = 0;
  bool turned = false;
};

Seen ReadAvif(const std::vector<uint8_t>& bytes) {
  Seen seen;
  avifDecoder* decoder = avifDecoderCreate();
  EXPECT_EQ(avifDecoderSetIOMemory(decoder, bytes.data(), bytes.size()),
            AVIF_RESULT_OK);
  EXPECT_EQ(avifDecoderParse(decoder), AVIF_RESULT_OK);
  EXPECT_EQ(avifDecoderNextImage(decoder), AVIF_RESULT_OK);
  const avifImage* image = decoder->image;
  seen.depth = image->depth;
  seen.icc = image->icc.size;
  seen.exif = image->exif.size;
  seen.turned = (image->transformFlags & AVIF_TRANSFORM_IROT) != 0;
  avifRGBImage rgb;
  avifRGBImageSetDefaults(&rgb, image);
  rgb.depth = 8;
  seen.pixels.width = image->width;
  seen.pixels.height = image->height;
  seen.pixels.channels = 4;
  seen.pixels.data.resize(size_t{4} * image->width * image->height);
  rgb.pixels = seen.pixels.data.data();
  rgb.rowBytes = 4 * image->width;
  EXPECT_EQ(avifImageYUVToRGB(image, &rgb), AVIF_RESULT_OK);
  avifDecoderDestroy(decoder);
  return seen;
}

TEST(Avif, BecomesSmallerAndLooksTheSame) {
  for (const int depth : {8, 10}) {
    for (const bool alpha : {false, true}) {
      const Pixels photo = MakePhoto(160, 120, 1);
      AvifOptions options;
      options.depth = depth;
      options.turned = true;
      const auto avif = MakeAvif(alpha ? WithAlpha(photo) : photo, options);
      const auto result = ConvertAvif(avif, {}, kLimits);
      ASSERT_TRUE(result.has_value()) << result.error().message;
      EXPECT_EQ(result->how, DoneHow::kRecompressed);
      EXPECT_LT(result->bytes.size(), avif.size());
      const Seen before = ReadAvif(avif);
      const Seen after = ReadAvif(result->bytes);
      EXPECT_LT(Difference(before.pixels, after.pixels), 8);
      EXPECT_EQ(after.depth, uint32_t(depth));
      EXPECT_EQ(after.icc, before.icc);
      EXPECT_TRUE(after.turned);
    }
  }
}

TEST(Avif, LosesItsMetadataOnEveryWay) {
  for (const int quantizer : {4, 60}) {  // Encoded again, and kept.
    AvifOptions options;
    options.quantizer = quantizer;
    options.exif = std::string("II*\0\10\0\0\0\0\0", 10) + "a serial number";
    const auto avif = MakeAvif(MakePhoto(160, 120, 1), options);
    const auto result = ConvertAvif(avif, {}, kLimits);
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->how == DoneHow::kKeptOriginal, quantizer == 60);
    const std::string text(result->bytes.begin(), result->bytes.end());
    EXPECT_EQ(text.find("serial"), std::string::npos);
    EXPECT_LT(Difference(ReadAvif(result->bytes).pixels, ReadAvif(avif).pixels),
              8);
    Recipe keep;
    keep.keep_metadata = true;
    EXPECT_GT(ReadAvif(ConvertAvif(avif, keep, kLimits)->bytes).exif, 0u);
  }
}

TEST(Avif, ASequenceIsKeptAsItIs) {
  AvifOptions options;
  options.frames = 3;
  const auto avif = MakeAvif(MakePhoto(64, 64, 1), options);
  const auto result = ConvertAvif(avif, {}, kLimits);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->bytes, avif);
  EXPECT_EQ(result->reason, "an animated AVIF is kept as it is");
}

TEST(Avif, RefusesTruncationsAndLargePictures) {
  const auto avif = MakeAvif(MakePhoto(64, 64, 1));
  for (size_t percent = 0; percent < 100; ++percent) {
    const size_t size = avif.size() * percent / 100;
    const auto result = ConvertAvif(std::span(avif.data(), size), {}, kLimits);
    ASSERT_FALSE(result.has_value()) << percent;
    EXPECT_EQ(result.error().code, FailureCode::kCorruptImage) << percent;
  }
  CodecLimits limits;
  limits.max_pixels = 64 * 64 - 1;
  EXPECT_EQ(AvifCost(avif, limits).error().code, FailureCode::kTooManyPixels);
}

TEST(Avif, SurvivesFlippedBytes) {
  auto avif = MakeAvif(MakePhoto(64, 64, 1));
  for (size_t at = 0; at < avif.size(); at += 1 + avif.size() / 150) {
    avif[at] ^= 1 << at % 8;
    const auto result = ConvertAvif(avif, {}, kLimits);
    EXPECT_LE(result ? result->bytes.size() : 0, avif.size());
    avif[at] ^= 1 << at % 8;
  }
}

}  // namespace
}  // namespace imgbatch
