#include "tests/support/make_images.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/result.h"

namespace imgbatch {
namespace {

// xorshift: grain that is the same everywhere.
class Noise {
 public:
  explicit Noise(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  uint32_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  int Between(int lowest, int highest) {
    return lowest + static_cast<int>(Next() % (highest - lowest + 1));
  }

 private:
  uint32_t state_;
};

uint8_t Clamp(int value) {
  return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

Pixels Blank(uint32_t width, uint32_t height, int channels) {
  Pixels pixels;
  pixels.width = width;
  pixels.height = height;
  pixels.channels = channels;
  pixels.data.resize(size_t{width} * height * channels);
  return pixels;
}

struct Ball {
  int x, y, radius;
  std::array<int, 3> colour;
};

std::vector<Ball> MakeBalls(Noise& noise, int count, int width, int height) {
  std::vector<Ball> balls;
  const int size = std::max(4, std::min(width, height));
  for (int i = 0; i < count; ++i) {
    balls.push_back({noise.Between(0, width),
                     noise.Between(0, height),
                     noise.Between(size / 10 + 1, size / 3 + 1),
                     {noise.Between(20, 235), noise.Between(20, 235),
                      noise.Between(20, 235)}});
  }
  return balls;
}

}  // namespace

Pixels MakePhoto(uint32_t width, uint32_t height, uint32_t seed) {
  Noise noise(seed);
  const int w = static_cast<int>(width);
  const int h = static_cast<int>(height);
  const std::vector<Ball> balls = MakeBalls(noise, 7, w, h);
  const std::array<int, 3> light{noise.Between(180, 250),
                                 noise.Between(180, 250),
                                 noise.Between(180, 250)};
  Pixels pixels = Blank(width, height, 3);
  uint8_t* to = pixels.data.data();
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      std::array<int, 3> rgb{};
      for (int c = 0; c < 3; ++c) {
        rgb[c] = light[c] - 90 * y / h - 20 * (c * x) / (w * 2);
      }
      for (const Ball& ball : balls) {
        const int dx = x - ball.x;
        const int dy = y - ball.y;
        const int64_t inside = int64_t{ball.radius} * ball.radius -
                               int64_t{dx} * dx - int64_t{dy} * dy;
        if (inside <= 0) continue;
        // Bright at the upper left, dark at the lower right, as a ball is.
        const int shade = 60 * (-dx - dy) / (2 * ball.radius);
        for (int c = 0; c < 3; ++c) rgb[c] = ball.colour[c] + shade;
      }
      const int grain = static_cast<int>(noise.Next() >> 28) - 8;
      for (int c = 0; c < 3; ++c) *to++ = Clamp(rgb[c] + grain / 2);
    }
  }
  return pixels;
}

Pixels MakeDrawing(uint32_t width, uint32_t height, uint32_t seed) {
  Noise noise(seed);
  const std::vector<Ball> balls =
      MakeBalls(noise, 12, static_cast<int>(width), static_cast<int>(height));
  Pixels pixels = Blank(width, height, 3);
  uint8_t* to = pixels.data.data();
  for (int y = 0; y < static_cast<int>(height); ++y) {
    for (int x = 0; x < static_cast<int>(width); ++x) {
      std::array<int, 3> rgb{250, 250, 245};
      for (const Ball& ball : balls) {
        const int dx = std::abs(x - ball.x);
        const int dy = std::abs(y - ball.y);
        const bool round = ball.radius % 2 == 0;
        const bool inside = round ? int64_t{dx} * dx + int64_t{dy} * dy <
                                        int64_t{ball.radius} * ball.radius
                                  : std::max(dx, dy) < ball.radius;
        if (inside) rgb = ball.colour;
      }
      for (int c = 0; c < 3; ++c) *to++ = Clamp(rgb[c]);
    }
  }
  return pixels;
}

Pixels WithAlpha(const Pixels& rgb) {
  IMGBATCH_ASSERT(rgb.channels == 3);
  Pixels pixels = Blank(rgb.width, rgb.height, 4);
  const double radius = std::min(rgb.width, rgb.height) / 2.0;
  for (size_t y = 0; y < rgb.height; ++y) {
    for (size_t x = 0; x < rgb.width; ++x) {
      const size_t i = y * rgb.width + x;
      std::copy_n(&rgb.data[3 * i], 3, &pixels.data[4 * i]);
      const double dx = static_cast<double>(x) - rgb.width / 2.0;
      const double dy = static_cast<double>(y) - rgb.height / 2.0;
      const double far = std::sqrt(dx * dx + dy * dy) / (radius + 1);
      pixels.data[4 * i + 3] = Clamp(static_cast<int>(far * 510 - 128));
    }
  }
  return pixels;
}

Pixels ToGrey(const Pixels& pixels) {
  const int channels = pixels.channels == 4 ? 2 : 1;
  Pixels grey = Blank(pixels.width, pixels.height, channels);
  const size_t count = size_t{pixels.width} * pixels.height;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* p = &pixels.data[i * pixels.channels];
    uint8_t* to = &grey.data[i * channels];
    to[0] = static_cast<uint8_t>((2 * p[0] + 5 * p[1] + p[2]) / 8);
    if (channels == 2) to[1] = p[3];
  }
  return grey;
}

std::vector<uint8_t> MakeProfile(const std::string& space) {
  std::vector<uint8_t> icc(400);
  icc[3] = 144;
  icc[2] = 1;  // Size: 400.
  icc[8] = 2;  // Version 2.1
  icc[9] = 0x10;
  const auto put = [&](size_t at, const std::string& text) {
    std::copy(text.begin(), text.end(), icc.begin() + at);
  };
  put(12, "mntr");
  put(16, space);
  put(20, "XYZ ");
  put(36, "acsp");
  for (size_t i = 128; i < icc.size(); ++i) icc[i] = uint8_t(i * 31);
  return icc;
}

}  // namespace imgbatch
