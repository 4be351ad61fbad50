#include "formats/jpeg.h"

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/exif.h"
#include "formats/jpeg_markers.h"
#include "tests/support/make_jpeg.h"

namespace imgbatch {
namespace {

using ::testing::HasSubstr;
using testing::JpegRecipe;
using testing::MakeJpeg;
using testing::TestColor;

using Bytes = std::vector<uint8_t>;

const CodecLimits kLimits;

Result<ConvertedImage, Failure> Convert(const Bytes& file,
                                        const Recipe& recipe = {}) {
  return ConvertJpeg(file, recipe, kLimits);
}

FailureCode CodeOf(const Result<ConvertedImage, Failure>& result) {
  return result ? FailureCode{} : result.error().code;
}

JpegHeader HeaderOf(const Bytes& file) {
  auto header = ReadJpegHeader(file, kLimits);
  EXPECT_TRUE(header);
  return header ? *header : JpegHeader{};
}

// Every way of coding that must come out right.
std::vector<JpegRecipe> Kinds() {
  std::vector<JpegRecipe> kinds;
  constexpr int kSamplings[][2] = {{1, 1}, {2, 1}, {2, 2},
                                   {1, 2}, {4, 1}, {4, 2}};
  for (const auto& sampling : kSamplings) {
    for (const int variant : {0, 1, 2, 3, 4, 5}) {
      JpegRecipe recipe{.h = sampling[0], .v = sampling[1]};
      recipe.progressive = variant == 1;
      recipe.restart_interval = variant == 2 ? 3 : 0;
      recipe.separate_scans = variant == 3;
      recipe.optimize = variant == 4;
      recipe.arithmetic = variant == 5;
      kinds.push_back(recipe);
    }
  }
  for (const TestColor color : {TestColor::kGrey, TestColor::kRgb,
                                TestColor::kCmyk, TestColor::kYcck}) {
    for (const bool progressive : {false, true}) {
      kinds.push_back(
          {.color = color, .h = 1, .v = 1, .progressive = progressive});
    }
  }
  kinds.push_back({.color = TestColor::kYcck, .h = 2, .v = 2});
  kinds.push_back({.color = TestColor::kGrey, .h = 2, .v = 2});
  kinds.push_back(
      {.color = TestColor::kGrey, .h = 1, .v = 1, .restart_interval = 1});
  kinds.push_back({.width = 1, .height = 1});
  kinds.push_back({.width = 8, .height = 300});
  kinds.push_back({.width = 300, .height = 17, .restart_interval = 2});
  kinds.push_back({.jfif = false});
  kinds.push_back({.quality = 100, .noise = 100});
  return kinds;
}

class JpegKinds : public ::testing::TestWithParam<JpegRecipe> {};
INSTANTIATE_TEST_SUITE_P(All, JpegKinds, ::testing::ValuesIn(Kinds()));

TEST_P(JpegKinds, ComesOutSmallerAndTheSamePicture) {
  SCOPED_TRACE(testing::Describe(GetParam()));
  const Bytes file = MakeJpeg(GetParam());
  const auto result = Convert(file);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_LE(result->bytes.size(), file.size());
  const auto before = testing::DecodeSamples(file);
  const auto after = testing::DecodeSamples(result->bytes);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->width, before->width);
  EXPECT_EQ(after->height, before->height);
  EXPECT_EQ(after->channels, before->channels);
  EXPECT_GT(testing::Psnr(*before, *after), GetParam().noise > 50 ? 13 : 26);
  EXPECT_EQ(result->width, before->width);
  EXPECT_EQ(result->height, before->height);
}

TEST_P(JpegKinds, IsNeverFinerThanTheSource) {
  SCOPED_TRACE(testing::Describe(GetParam()));
  JpegRecipe recipe = GetParam();
  recipe.quality = 40;
  const Bytes file = MakeJpeg(recipe);
  const auto result = Convert(file, {.quality = 60});
  ASSERT_TRUE(result) << result.error().message;
  const auto before = testing::DecodeCoefficients(file);
  const auto after = testing::DecodeCoefficients(result->bytes);
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->steps, before->steps);
  EXPECT_EQ(after->values, before->values);
}

TEST_P(JpegKinds, EachCoefficientMovesByLessThanItsNewStep) {
  SCOPED_TRACE(testing::Describe(GetParam()));
  const Bytes file = MakeJpeg(GetParam());
  const auto result = Convert(file);
  ASSERT_TRUE(result) << result.error().message;
  const auto before = testing::DecodeCoefficients(file);
  const auto after = testing::DecodeCoefficients(result->bytes);
  ASSERT_TRUE(before && after);
  ASSERT_EQ(after->values.size(), before->values.size());
  for (size_t c = 0; c < before->values.size(); ++c) {
    for (size_t i = 0; i < before->values[c].size(); ++i) {
      ASSERT_LT(std::abs(after->values[c][i] - before->values[c][i]),
                after->steps[c][i])
          << "component " << c << ", coefficient " << i;
    }
  }
}

TEST(ConvertJpeg, StaysRecognisableAsTheSameColourModel) {
  for (const TestColor color :
       {TestColor::kGrey, TestColor::kYcc, TestColor::kRgb, TestColor::kCmyk,
        TestColor::kYcck}) {
    const Bytes file = MakeJpeg({.color = color, .h = 1, .v = 1});
    const auto result = Convert(file);
    ASSERT_TRUE(result);
    EXPECT_EQ(HeaderOf(result->bytes).color, HeaderOf(file).color);
  }
}

TEST(ConvertJpeg, KeepsEachOrientationAndDropsTheRestOfExif) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Bytes exif = testing::ExifPayload(orientation, orientation % 2 == 0);
    const auto result = Convert(testing::WithSegment(MakeJpeg({}), 0xE1, exif));
    ASSERT_TRUE(result);
    EXPECT_EQ(HeaderOf(result->bytes).orientation, orientation);
    EXPECT_LE(HeaderOf(result->bytes).metadata, 18u + 36u);
  }
}

TEST(ConvertJpeg, KeepsTheColourProfileByteForByte) {
  Bytes icc(3000, 0x37);
  const std::string name("ICC_PROFILE\0\1\1", 14);
  std::copy(name.begin(), name.end(), icc.begin());
  for (const int quality : {92, 20}) {  // Recompressed, and kept.
    const auto result = Convert(
        testing::WithSegment(MakeJpeg({.quality = quality}), 0xE2, icc));
    ASSERT_TRUE(result);
    const auto found = std::search(result->bytes.begin(), result->bytes.end(),
                                   icc.begin(), icc.end());
    EXPECT_NE(found, result->bytes.end());
  }
}

TEST(ConvertJpeg, DropsCommentsUnlessAsked) {
  const std::string text = "a comment that nobody needs";
  const Bytes payload(text.begin(), text.end());
  const Bytes file = testing::WithSegment(MakeJpeg({}), 0xFE, payload);
  for (const bool keep : {false, true}) {
    const auto result = Convert(file, {.keep_metadata = keep});
    ASSERT_TRUE(result);
    const auto found = std::search(result->bytes.begin(), result->bytes.end(),
                                   payload.begin(), payload.end());
    EXPECT_EQ(found != result->bytes.end(), keep);
  }
}

TEST(ConvertJpeg, KeepsAnAlreadySqueezedFileWithoutItsMetadata) {
  const Bytes plain =
      MakeJpeg({.width = 400, .height = 300, .quality = 30, .optimize = true});
  const Bytes file =
      testing::WithSegment(plain, 0xE1, testing::ExifPayload(1, true));
  const auto result = Convert(file);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->how, DoneHow::kKeptOriginal);
  EXPECT_EQ(result->bytes, plain);
  EXPECT_THAT(result->reason, HasSubstr("already"));
}

TEST(ConvertJpeg, KeepsTheFileWhenSavingsAreTooSmall) {
  const Bytes file = MakeJpeg({.quality = 51, .optimize = true});
  const auto result = Convert(file, {.min_savings_percent = 60});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->how, DoneHow::kKeptOriginal);
  EXPECT_EQ(result->bytes, file);
  EXPECT_THAT(result->reason, HasSubstr("60 %"));
}

TEST(ConvertJpeg, RecodesAFileWithPoorTablesWithoutLoss) {
  const Bytes file = MakeJpeg({.width = 400, .height = 300, .quality = 45});
  const auto result = Convert(file);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->how, DoneHow::kRecompressed);
  EXPECT_EQ(testing::DecodeCoefficients(result->bytes)->values,
            testing::DecodeCoefficients(file)->values);
}

TEST(ConvertJpeg, TakesAShareOfTheSourcesQuality) {
  const Bytes file = MakeJpeg({.width = 300, .height = 300, .quality = 80});
  const auto half = Convert(file, {.quality = 50, .quality_is_percent = true});
  const auto same = Convert(file, {.quality = 40});
  ASSERT_TRUE(half && same);
  EXPECT_EQ(half->bytes, same->bytes);
}

TEST(ConvertJpeg, DropsTheSecondImageAndSaysSo) {
  Bytes file = MakeJpeg({.width = 200, .height = 200});
  const Bytes second = MakeJpeg({});
  const std::string mpf("MPF\0II*\0", 8);
  file = testing::WithSegment(file, 0xE2, Bytes(mpf.begin(), mpf.end()));
  const size_t primary = file.size();
  file.insert(file.end(), second.begin(), second.end());
  for (const int quality : {50, 100}) {  // Recompressed, and kept.
    const auto result =
        Convert(file, {.quality = quality, .min_savings_percent = 50});
    ASSERT_TRUE(result);
    EXPECT_LT(result->bytes.size(), primary);
    EXPECT_FALSE(HeaderOf(result->bytes).mpf);
    EXPECT_THAT(result->reason, HasSubstr("dropped"));
    EXPECT_TRUE(testing::DecodeSamples(result->bytes));
  }
}

TEST(ConvertJpeg, ToleratesBytesAfterTheEnd) {
  Bytes file = MakeJpeg({});
  const auto plain = Convert(file);
  file.insert(file.end(), 1000, 0);
  const auto trailed = Convert(file);
  ASSERT_TRUE(plain && trailed);
  EXPECT_EQ(trailed->bytes, plain->bytes);
}

TEST_P(JpegKinds, RefusesEveryTruncation) {
  SCOPED_TRACE(testing::Describe(GetParam()));
  const Bytes file = MakeJpeg(GetParam());
  for (size_t percent = 0; percent < 100; ++percent) {
    const size_t size = file.size() * percent / 100;
    const Bytes cut(file.begin(), file.begin() + static_cast<long>(size));
    EXPECT_FALSE(Convert(cut)) << size;
    // The same, with an end that the server did not send.
    Bytes closed = cut;
    closed.insert(closed.end(), {0xFF, 0xD9});
    const auto result = Convert(closed);
    // Arithmetic coding cannot tell: its decoder reads zeros for ever.
    if (size + 8 < file.size() && !GetParam().arithmetic) {
      EXPECT_FALSE(result) << size;
    }
  }
  EXPECT_FALSE(Convert(Bytes(file.begin(), file.end() - 1)));
}

TEST_P(JpegKinds, SurvivesFlippedBytes) {
  const Bytes file = MakeJpeg(GetParam());
  uint32_t state = 7;
  for (int i = 0; i < 300; ++i) {
    Bytes damaged = file;
    for (int flips = 1 + i % 4; flips > 0; --flips) {
      state = state * 1664525u + 1013904223u;
      damaged[(state >> 4) % damaged.size()] ^=
          static_cast<uint8_t>(1u << (state >> 28 & 7));
    }
    const auto result = Convert(damaged);
    if (!result) continue;
    EXPECT_LE(result->bytes.size(), damaged.size());
    EXPECT_TRUE(testing::DecodeSamples(result->bytes)) << i;
  }
}

TEST(ConvertJpeg, RefusesWhatItCannotDoRight) {
  struct Case {
    const char* name;
    size_t offset;  // From SOF: marker 1, precision 4, components 9.
    uint8_t value;
    FailureCode code;
  };
  const Case cases[] = {
      {"lossless", 1, 0xC3, FailureCode::kUnsupportedFormat},
      {"hierarchical", 1, 0xC5, FailureCode::kUnsupportedFormat},
      {"JPEG-LS", 1, 0xF7, FailureCode::kUnsupportedFormat},
      {"12 bits", 4, 12, FailureCode::kUnsupportedFormat},
      {"no width", 8, 0, FailureCode::kCorruptImage},
      {"5 components", 9, 5, FailureCode::kUnsupportedFormat},
      {"sampling 5", 11, 0x51, FailureCode::kCorruptImage},
  };
  for (const Case& item : cases) {
    Bytes file = MakeJpeg({});
    constexpr uint8_t kFrame[] = {0xFF, 0xC0, 0, 17};
    auto frame = std::search(file.begin(), file.end(), std::begin(kFrame),
                             std::end(kFrame));
    ASSERT_NE(frame, file.end());
    frame[static_cast<long>(item.offset)] = item.value;
    EXPECT_EQ(CodeOf(Convert(file)), item.code) << item.name;
  }
}

TEST(ConvertJpeg, RefusesWhatIsNoJpeg) {
  const std::string page = "<html>not found</html>";
  EXPECT_EQ(CodeOf(Convert(Bytes(page.begin(), page.end()))),
            FailureCode::kNotAnImage);
  EXPECT_EQ(CodeOf(Convert({})), FailureCode::kNotAnImage);
}

TEST(ConvertJpeg, RefusesTooManyPixelsFromTheHeader) {
  const Bytes file = MakeJpeg({.width = 100, .height = 100});
  const auto cost = JpegCost(file, {.max_pixels = 9'999});
  ASSERT_FALSE(cost);
  EXPECT_EQ(cost.error().code, FailureCode::kTooManyPixels);
}

TEST(ConvertJpeg, RefusesMoreScansThanTheLimit) {
  const Bytes file = MakeJpeg({.progressive = true});
  EXPECT_EQ(CodeOf(ConvertJpeg(file, {}, {.max_scans = 3})),
            FailureCode::kTooComplex);
}

TEST(ConvertJpeg, RefusesMoreMetadataThanTheLimit) {
  const Bytes file = testing::WithSegment(MakeJpeg({}), 0xE5, Bytes(5000, 1));
  EXPECT_EQ(CodeOf(ConvertJpeg(file, {}, {.max_metadata = 4999})),
            FailureCode::kTooComplex);
}

TEST(ConvertJpeg, GivesTheSameBytesOnEveryThread) {
  std::vector<Bytes> files;
  for (const JpegRecipe& kind : Kinds()) files.push_back(MakeJpeg(kind));
  std::vector<std::vector<Bytes>> results(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      results[t].resize(files.size());
      for (size_t i = 0; i < files.size(); ++i) {
        const size_t at = (i + t * 7) % files.size();
        results[t][at] = Convert(files[at])->bytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 1; t < results.size(); ++t) {
    EXPECT_EQ(results[t], results[0]);
  }
}

TEST(EncodeJpeg, EncodesGreyAndColour) {
  for (const int channels : {1, 3}) {
    Pixels pixels = testing::MakePixels(70, 50, channels, 3, 4);
    pixels.icc.assign(100, 9);
    const auto file = EncodeJpeg(pixels, 80);
    ASSERT_TRUE(file);
    const auto decoded = testing::DecodeSamples(*file);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->channels, channels);
    if (channels == 1) {
      EXPECT_GT(testing::Psnr(pixels, *decoded), 30);
    }
  }
}

TEST(EncodeJpeg, RefusesASideThatJpegCannotSay) {
  Pixels pixels;
  pixels.width = 65'501;
  pixels.height = 1;
  pixels.channels = 1;
  pixels.data.resize(65'501);
  EXPECT_FALSE(EncodeJpeg(pixels, 50));
}

TEST(ExifOrientation, IsOneForDamagedData) {
  const Bytes good = MinimalExif(6);
  EXPECT_EQ(ExifOrientation(good), 6);
  for (size_t size = 0; size < 22; ++size) {
    EXPECT_EQ(ExifOrientation(std::span(good).first(size)), 1) << size;
  }
  EXPECT_EQ(ExifOrientation(MinimalExif(9)), 1);
}

}  // namespace
}  // namespace imgbatch
