#include "formats/quantise.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "formats/histogram.h"
#include "formats/palette_search.h"
#include "tests/support/compare_images.h"
#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

Pixels Rgba(Pixels rgb) {
  Pixels rgba = WithAlpha(rgb);
  for (size_t i = 3; i < rgba.data.size(); i += 4) rgba.data[i] = 255;
  return rgba;
}

Pixels Apply(const Quantised& quantised, const Pixels& source) {
  Pixels pixels = source;
  for (size_t i = 0; i < quantised.indices.size(); ++i) {
    const auto& colour = quantised.palette[quantised.indices[i]];
    std::copy(colour.begin(), colour.end(), &pixels.data[4 * i]);
  }
  return pixels;
}

TEST(ColourSpace, RoundTripsEveryAlpha) {
  for (int alpha = 1; alpha < 256; ++alpha) {
    const uint8_t rgba[4] = {0, 255, 128, static_cast<uint8_t>(alpha)};
    const auto back = ToRgba(ToPoint(rgba));
    EXPECT_EQ(back[0], 0);
    EXPECT_EQ(back[1], 255);
    EXPECT_EQ(back[2], 128);
    EXPECT_EQ(back[3], alpha);
  }
}

TEST(ColourSpace, InvisibleColoursAreAllTheSame) {
  const uint8_t red[4] = {255, 0, 0, 0};
  const uint8_t blue[4] = {0, 0, 255, 0};
  EXPECT_EQ(SquaredDistance(ToPoint(red), ToPoint(blue)), 0);
}

TEST(ColourSpace, GreyDifferencesAreSquares) {
  const uint8_t a[4] = {100, 100, 100, 255};
  const uint8_t b[4] = {110, 110, 110, 255};
  EXPECT_NEAR(SquaredDistance(ToPoint(a), ToPoint(b)), 100, 0.01);
}

TEST(PaletteSearch, FindsTheNearestFromEveryGuess) {
  std::mt19937 random(1);
  const auto point = [&] {
    Point p{};
    for (int a = 0; a < 4; ++a) p[a] = static_cast<float>(random() % 256);
    return p;
  };
  std::vector<Point> palette;
  for (int i = 0; i < 60; ++i) palette.push_back(point());
  const PaletteSearch search(palette);
  for (int i = 0; i < 200; ++i) {
    const Point p = point();
    float least = 1e9F;
    for (const Point& colour : palette) {
      least = std::min(least, SquaredDistance(p, colour));
    }
    for (int guess = 0; guess < 60; ++guess) {
      EXPECT_EQ(search.Nearest(p, guess).distance, least);
    }
  }
}

TEST(Histogram, CountsEveryPixelOnceAndFlatOnesLess) {
  const Pixels photo = Rgba(MakePhoto(50, 40, 1));
  double weight = 0;
  for (const ColourCount& c : CountColours(photo.data, 50)) weight += c.weight;
  EXPECT_GT(weight, 1900);
  EXPECT_LE(weight, 2000);
  const std::vector<uint8_t> white(50 * 40 * 4, 255);
  EXPECT_LT(CountColours(white, 50).at(0).weight, 250);
}

TEST(Quantise, UsesFewerColoursWhereMoreErrorIsWanted) {
  const Pixels photo = Rgba(MakePhoto(200, 150, 1));
  size_t last = 257;
  for (const double wanted : {4.0, 16.0, 64.0}) {
    const auto quantised = Quantise(photo.data, 200, wanted, 1000);
    ASSERT_TRUE(quantised.has_value());
    EXPECT_LT(quantised->palette.size(), last);
    EXPECT_LT(quantised->error, wanted * 1.3);
    // Dithering trades error for smoothness.
    EXPECT_LT(Difference(Apply(*quantised, photo), photo),
              2 * std::sqrt(wanted));
    last = quantised->palette.size();
  }
}

TEST(Quantise, GivesUpWhereAPaletteWouldShow) {
  std::mt19937 random(1);
  std::vector<uint8_t> noise(200 * 200 * 4);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
  EXPECT_FALSE(Quantise(noise, 200, 16, 40).has_value());
}

TEST(Quantise, KeepsTransparency) {
  const Pixels photo = WithAlpha(MakePhoto(200, 150, 1));
  const auto quantised = Quantise(photo.data, 200, 16, 1000);
  ASSERT_TRUE(quantised.has_value());
  const Pixels seen = Apply(*quantised, photo);
  for (size_t i = 3; i < seen.data.size(); i += 4) {
    EXPECT_NEAR(seen.data[i], photo.data[i], 60);
    if (photo.data[i] == 255) {
      EXPECT_GE(seen.data[i], 230);
    }
  }
}

TEST(Quantise, OnePixelIsOneColour) {
  const auto quantised = Quantise({10, 20, 30, 255}, 1, 16, 40);
  ASSERT_TRUE(quantised.has_value());
  EXPECT_EQ(quantised->palette.size(), 1u);
  EXPECT_EQ(quantised->palette[0], (std::array<uint8_t, 4>{10, 20, 30, 255}));
}

}  // namespace
}  // namespace imgbatch
