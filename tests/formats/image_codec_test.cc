#include "formats/image_codec.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "formats/bytes.h"
#include "formats/png_file.h"
#include "formats/sniff.h"
#include "tests/support/compare_images.h"
#include "tests/support/make_images.h"
#include "tests/support/sample_files.h"

namespace imgbatch {
namespace {

const ImageCodec kCodec{CodecLimits{}};

ConvertedImage Converted(const SampleFile& file, const Recipe& recipe = {}) {
  auto result = kCodec.Convert(file.source(), recipe);
  EXPECT_TRUE(result.has_value())
      << file.name << ": " << (result ? "" : result.error().message);
  return result ? std::move(*result) : ConvertedImage{};
}

Pixels ReadBack(const SampleFile& file) {
  Recipe fine;
  fine.quality = 95;
  const ConvertedImage result = Converted(file, fine);
  return result.format == ImageFormat::kPng ? ReadPng(result.bytes)
                                            : ReadJpeg(result.bytes);
}

TEST(ImageCodec, ConvertsEveryKindAndNeverMakesItLarger) {
  for (const SampleFile& file : MakeSampleFiles(60, 44)) {
    const auto cost = kCodec.Cost(file.source());
    ASSERT_TRUE(cost.has_value()) << file.name << cost.error().message;
    EXPECT_EQ(cost->width, 60u) << file.name;
    EXPECT_EQ(cost->height, 44u) << file.name;
    const ConvertedImage result = Converted(file);
    EXPECT_EQ(result.width, 60u) << file.name;
    EXPECT_EQ(result.height, 44u) << file.name;
    EXPECT_LE(result.bytes.size(), file.bytes.size()) << file.name;
    EXPECT_EQ(result.how == DoneHow::kKeptOriginal, !result.reason.empty())
        << file.name;
    const auto format = Sniff({result.bytes, file.name});
    ASSERT_TRUE(format.has_value()) << file.name;
    EXPECT_EQ(*format, result.format) << file.name;
  }
}

TEST(ImageCodec, ConvertingTwiceGivesNothingMoreToSave) {
  for (const SampleFile& file : MakeSampleFiles(60, 44)) {
    const ConvertedImage once = Converted(file);
    const ConvertedImage twice = Converted({file.name, once.bytes});
    EXPECT_LE(twice.bytes.size(), once.bytes.size()) << file.name;
    EXPECT_EQ(twice.format, once.format) << file.name;
  }
}

TEST(ImageCodec, ForeignFormatsBecomeJpegOrPngWithTheSamePixels) {
  const Pixels photo = MakePhoto(160, 120, 1);
  const Pixels alpha = WithAlpha(photo);
  const Pixels grey = ToGrey(photo);
  const struct {
    SampleFile file;
    ImageFormat format;
    const Pixels& pixels;
  } cases[] = {
      {{"a.bmp", MakeBmp(photo, BmpKind::k24)}, ImageFormat::kJpeg, photo},
      {{"a.bmp", MakeBmp(photo, BmpKind::k32)}, ImageFormat::kJpeg, photo},
      {{"a.bmp", MakeBmp(photo, BmpKind::k16)}, ImageFormat::kJpeg, photo},
      {{"a.bmp", MakeBmp(alpha, BmpKind::k32Alpha)}, ImageFormat::kPng, alpha},
      {{"a.tga", MakeTga(photo, TgaKind::kRgb)}, ImageFormat::kJpeg, photo},
      {{"a.tga", MakeTga(photo, TgaKind::kRgbRle)}, ImageFormat::kJpeg, photo},
      {{"a.tga", MakeTga(photo, TgaKind::kGrey)}, ImageFormat::kJpeg, grey},
      {{"a.tga", MakeTga(alpha, TgaKind::kRgba)}, ImageFormat::kPng, alpha},
      {{"a.tga", MakeTga(alpha, TgaKind::kRgbaRle)}, ImageFormat::kPng, alpha},
      {{"a.pnm", MakePnm(photo, '3')}, ImageFormat::kJpeg, photo},
      {{"a.pnm", MakePnm(photo, '6')}, ImageFormat::kJpeg, photo},
      {{"a.pnm", MakePnm(photo, '6', 65535)}, ImageFormat::kJpeg, photo},
      {{"a.pnm", MakePnm(photo, '5')}, ImageFormat::kJpeg, grey},
      {{"a.pnm", MakePnm(photo, '2')}, ImageFormat::kJpeg, grey},
      {{"a.psd", MakePsd(photo)}, ImageFormat::kJpeg, photo},
      {{"a.psd", MakePsd(photo, {.rle = false, .depth = 16, .mode = 3})},
       ImageFormat::kJpeg,
       photo},
      {{"a.psd", MakePsd(alpha)}, ImageFormat::kPng, alpha},
  };
  for (const auto& c : cases) {
    const ConvertedImage result = Converted(c.file);
    ASSERT_EQ(result.format, c.format) << c.file.name << c.file.bytes.size();
    EXPECT_EQ(result.how, DoneHow::kRecompressed);
    // 4:2:0 costs 5.4 at the hard edges; swapped channels cost above 20.
    EXPECT_LT(Difference(ReadBack(c.file), c.pixels), 7) << c.file.name;
  }
}

TEST(ImageCodec, ColourTablesAndRunsOfBmpComeOutExactly) {
  const Pixels photo = MakePhoto(320, 240, 1);
  const Pixels plain = ReadBack({"a.bmp", MakeBmp(photo, BmpKind::k8)});
  const Pixels runs = ReadBack({"a.bmp", MakeBmp(photo, BmpKind::kRle8)});
  EXPECT_EQ(Difference(plain, runs), 0);
}

TEST(ImageCodec, ProfilesOfForeignFormatsAreKept) {
  Pixels photo = WithAlpha(MakePhoto(160, 120, 1));
  photo.icc = MakeProfile("RGB ");
  const ConvertedImage result = Converted({"a.psd", MakePsd(photo)});
  ASSERT_EQ(result.format, ImageFormat::kPng);
  EXPECT_EQ(ReadPngFile(result.bytes, {})->colour.size(), 1u);
}

TEST(ImageCodec, RefusesWhatWouldComeOutWrong) {
  const Pixels photo = MakePhoto(40, 30, 1);
  auto right_to_left = MakeTga(photo, TgaKind::kRgb);
  right_to_left[17] |= 0x10;
  auto four_channels = MakePsd(WithAlpha(photo));
  four_channels[26 + 4 + 4 + 4 + 4] = 0;  // The layers say: no transparency.
  const SampleFile cases[] = {
      {"cmyk.psd", MakePsd(photo, {.rle = true, .depth = 8, .mode = 4})},
      {"deep-rle.psd", MakePsd(photo, {.rle = true, .depth = 16, .mode = 3})},
      {"mask.psd", four_channels},
      {"mirrored.tga", right_to_left},
  };
  for (const SampleFile& file : cases) {
    const auto result = kCodec.Convert(file.source(), {});
    ASSERT_FALSE(result.has_value()) << file.name;
    EXPECT_EQ(result.error().code, FailureCode::kUnsupportedFormat)
        << file.name << ": " << result.error().message;
  }
}

TEST(ImageCodec, NeverAcceptsTruncatedFiles) {
  for (const SampleFile& file : MakeSampleFiles(60, 44)) {
    for (size_t percent = 0; percent < 100; ++percent) {
      const size_t size = file.bytes.size() * percent / 100;
      const SourceImage cut{std::span(file.bytes.data(), size), file.name};
      const auto result = kCodec.Convert(cut, {});
      EXPECT_FALSE(result.has_value()) << file.name << " at " << percent;
    }
  }
}

TEST(ImageCodec, SurvivesFlippedBytes) {
  CodecLimits limits;
  limits.max_pixels = 1'000'000;
  const ImageCodec codec(limits);
  int accepted = 0;
  for (SampleFile file : MakeSampleFiles(40, 24)) {
    for (size_t percent = 0; percent < 100; ++percent) {
      const size_t at = file.bytes.size() * percent / 100;
      const uint8_t mask = static_cast<uint8_t>(1 << percent % 8);
      file.bytes[at] ^= mask;
      const auto result = codec.Convert(file.source(), {});
      accepted += result.has_value() ? 1 : 0;
      EXPECT_LE(result ? result->bytes.size() : 0, file.bytes.size());
      file.bytes[at] ^= mask;
    }
  }
  EXPECT_GT(accepted, 0);  // Most pixels of a BMP may have any value.
}

// Files whose header claims the largest picture that it can say.
std::vector<SampleFile> HeaderBombs() {
  const Pixels photo = MakePhoto(16, 16, 1);
  std::vector<SampleFile> bombs{
      {"bomb.jpg", MakeJpeg(photo, 90)},
      {"bomb.png", MakePng(photo, PngKind::kRgb8)},
      {"bomb.webp", MakeWebp(photo)},
      {"bomb.gif", MakeGif({photo})},
      {"bomb.bmp", MakeBmp(photo, BmpKind::k24)},
      {"bomb.tga", MakeTga(photo, TgaKind::kRgb)},
      {"bomb.pnm", MakePnm(photo, '6')},
      {"bomb.psd", MakePsd(photo)},
  };
  const auto fill = [](std::vector<uint8_t>& bytes, size_t at, size_t size) {
    std::fill_n(bytes.begin() + at, size, uint8_t{0x7F});
  };
  for (size_t i = 0; i + 8 < bombs[0].bytes.size(); ++i) {
    if (bombs[0].bytes[i] == 0xFF && bombs[0].bytes[i + 1] == 0xC0) {
      fill(bombs[0].bytes, i + 5, 4);
      break;
    }
  }
  std::vector<uint8_t> header(13, 0x7F);
  std::copy_n(&bombs[1].bytes[24], 5, &header[8]);
  std::vector<uint8_t> png(bombs[1].bytes.begin(), bombs[1].bytes.begin() + 8);
  AppendPngChunk(png, "IHDR", header);
  png.insert(png.end(), bombs[1].bytes.begin() + 33, bombs[1].bytes.end());
  bombs[1].bytes = png;
  fill(bombs[2].bytes, 26, 4);
  fill(bombs[3].bytes, 6, 4);
  fill(bombs[4].bytes, 18, 8);
  fill(bombs[5].bytes, 12, 4);
  fill(bombs[7].bytes, 14, 8);
  const std::string pnm = "P6 2147483647 2147483647 255\n";
  bombs[6].bytes.assign(pnm.begin(), pnm.end());
  return bombs;
}

TEST(ImageCodec, RefusesHeaderBombsAtOnce) {
  for (const SampleFile& file : HeaderBombs()) {
    const auto begin = std::chrono::steady_clock::now();
    const auto cost = kCodec.Cost(file.source());
    const auto result = kCodec.Convert(file.source(), {});
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin;
    ASSERT_FALSE(cost.has_value()) << file.name;
    EXPECT_EQ(cost.error().code, FailureCode::kTooManyPixels) << file.name;
    ASSERT_FALSE(result.has_value()) << file.name;
    EXPECT_EQ(result.error().code, FailureCode::kTooManyPixels) << file.name;
    EXPECT_LT(took.count(), 10) << file.name;  // Two times 5 ms.
  }
}

TEST(ImageCodec, GivesTheSameBytesOnEveryThread) {
  const std::vector<SampleFile> files = MakeSampleFiles(60, 44);
  const auto convert_all = [&] {
    std::vector<std::vector<uint8_t>> results;
    for (const SampleFile& file : files) {
      auto result = kCodec.Convert(file.source(), {});
      results.push_back(result ? std::move(result->bytes)
                               : std::vector<uint8_t>{});
    }
    return results;
  };
  const auto expected = convert_all();
  std::vector<std::vector<std::vector<uint8_t>>> found(4);
  std::vector<std::thread> threads;
  for (auto& results : found) {
    threads.emplace_back([&] { results = convert_all(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& results : found) {
    for (size_t i = 0; i < files.size(); ++i) {
      EXPECT_EQ(results[i], expected[i]) << files[i].name;
    }
  }
}

}  // namespace
}  // namespace imgbatch
