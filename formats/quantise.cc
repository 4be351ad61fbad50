#include "formats/quantise.h"

#include <algorithm>
#include <queue>

#include "formats/bytes.h"
#include "formats/histogram.h"
#include "formats/palette_search.h"

namespace imgbatch {
namespace {

constexpr size_t kMaxColours = 256;

// Neighbouring entries of the histogram that share a colour of the palette.
struct Box {
  size_t first = 0;
  size_t last = 0;
  Point mean{};
  double error = 0;  // Sum of squared distances from the mean.
  int axis = 0;      // Where it is longest.
};

Box MakeBox(const std::vector<ColourCount>& counts, size_t first, size_t last) {
  Box box{first, last};
  double weight = 0;
  std::array<double, 4> sum{};
  std::array<double, 4> squares{};
  double spread = 0;
  for (size_t i = first; i < last; ++i) {
    const ColourCount& c = counts[i];
    weight += c.weight;
    spread += c.spread;
    for (int a = 0; a < 4; ++a) {
      const double weighted = static_cast<double>(c.mean[a]) * c.weight;
      sum[a] += weighted;
      squares[a] += weighted * c.mean[a];
    }
  }
  double longest = -1;
  box.error = spread;
  for (int a = 0; a < 4; ++a) {
    const double mean = sum[a] / weight;
    const double error = std::max(0.0, squares[a] - mean * sum[a]);
    box.mean[a] = static_cast<float>(mean);
    box.error += error;
    if (error > longest) {
      longest = error;
      box.axis = a;
    }
  }
  return box;
}

// Sorts the box along its axis; the place that leaves the smallest sum of
// errors there.
size_t SplitBox(std::vector<ColourCount>& counts, const Box& box) {
  const int axis = box.axis;
  std::sort(counts.begin() + box.first, counts.begin() + box.last,
            [axis](const ColourCount& a, const ColourCount& b) {
              const float left = a.mean[axis];
              const float right = b.mean[axis];
              return left != right ? left < right : a.number < b.number;
            });
  double weight = 0;
  double sum = 0;
  for (size_t i = box.first; i < box.last; ++i) {
    weight += counts[i].weight;
    sum += static_cast<double>(counts[i].mean[axis]) * counts[i].weight;
  }
  // The smallest sum of errors is where the squared sums over the pixels of
  // both sides are largest.
  double left_weight = 0;
  double left_sum = 0;
  double best = -1;
  size_t place = box.first + 1;
  for (size_t i = box.first; i + 1 < box.last; ++i) {
    left_weight += counts[i].weight;
    left_sum += static_cast<double>(counts[i].mean[axis]) * counts[i].weight;
    const double right_sum = sum - left_sum;
    const double gain = left_sum * left_sum / left_weight +
                        right_sum * right_sum / (weight - left_weight);
    if (gain > best) {
      best = gain;
      place = i + 1;
    }
  }
  return place;
}

// Splits the box with the largest error until the whole error is `wanted` or
// there are `most` colours.
std::vector<Point> MedianCut(std::vector<ColourCount>& counts, double wanted,
                             size_t most) {
  const auto smaller = [](const Box& a, const Box& b) {
    return a.error != b.error ? a.error < b.error : a.first > b.first;
  };
  std::priority_queue<Box, std::vector<Box>, decltype(smaller)> boxes(smaller);
  std::vector<Box> whole;  // Of one entry: cannot be split.
  boxes.push(MakeBox(counts, 0, counts.size()));
  double error = boxes.top().error;
  while (!boxes.empty() && boxes.size() + whole.size() < most &&
         error > wanted) {
    const Box box = boxes.top();
    boxes.pop();
    if (box.last - box.first < 2) {
      whole.push_back(box);
      continue;
    }
    const size_t place = SplitBox(counts, box);
    const Box left = MakeBox(counts, box.first, place);
    const Box right = MakeBox(counts, place, box.last);
    error += left.error + right.error - box.error;
    boxes.push(left);
    boxes.push(right);
  }
  std::vector<Point> palette;
  for (const Box& box : whole) palette.push_back(box.mean);
  for (; !boxes.empty(); boxes.pop()) palette.push_back(boxes.top().mean);
  return palette;
}

// One step of k-means: every colour moves to the mean of what is nearest to
// it. Returns the sum of errors before the step.
double Refine(const std::vector<ColourCount>& counts,
              std::vector<uint8_t>& nearest, std::vector<Point>& palette) {
  const PaletteSearch search(palette);
  std::vector<std::array<double, 4>> sums(palette.size());
  std::vector<double> weights(palette.size());
  double error = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const ColourCount& c = counts[i];
    const auto found = search.Nearest(c.mean, nearest[i]);
    nearest[i] = static_cast<uint8_t>(found.index);
    error += static_cast<double>(found.distance) * c.weight + c.spread;
    weights[found.index] += c.weight;
    for (int a = 0; a < 4; ++a) {
      sums[found.index][a] += static_cast<double>(c.mean[a]) * c.weight;
    }
  }
  for (size_t p = 0; p < palette.size(); ++p) {
    if (weights[p] == 0) continue;
    for (int a = 0; a < 4; ++a) {
      palette[p][a] = static_cast<float>(sums[p][a] / weights[p]);
    }
  }
  return error;
}

struct Choice {
  std::vector<Point> palette;
  double error = 0;  // Sum over all pixels.
};

Choice ChoosePalette(std::vector<ColourCount>& counts, double wanted,
                     size_t most) {
  Choice choice;
  choice.palette = MedianCut(counts, wanted, most);
  std::vector<uint8_t> nearest(counts.size());
  constexpr int kSteps = 4;
  for (int step = 0; step < kSteps; ++step) {
    choice.error = Refine(counts, nearest, choice.palette);
  }
  return choice;
}

// What 8-bit RGBA can say of a palette; fully transparent is all 0.
void RoundPalette(std::vector<Point>& palette,
                  std::vector<std::array<uint8_t, 4>>& rgba) {
  rgba.clear();
  for (Point& point : palette) {
    rgba.push_back(ToRgba(point));
    point = ToPoint(rgba.back().data());
  }
}

// Error diffusion after Floyd and Steinberg, there and back. Where the picture
// itself is busy nobody sees steps, but everybody pays for the noise, so there
// the error is passed on in part only.
class Ditherer {
 public:
  Ditherer(const std::vector<uint8_t>& rgba, uint32_t width,
           const PaletteSearch& search)
      : rgba_(rgba), width_(width), search_(search), guesses_(1 << 15) {}

  void Run(std::vector<uint8_t>& indices) {
    const size_t height = rgba_.size() / 4 / width_;
    std::vector<Point> here(width_ + 2);
    std::vector<Point> below(width_ + 2);
    for (size_t y = 0; y < height; ++y) {
      std::fill(below.begin(), below.end(), Point{});
      const int step = y % 2 == 0 ? 1 : -1;
      size_t x = step > 0 ? 0 : width_ - 1;
      for (size_t i = 0; i < width_; ++i, x += step) {
        indices[y * width_ + x] = Put(x, y, step, here, below);
      }
      std::swap(here, below);
    }
  }

 private:
  // `here[x + 1]` is the error that waits for column x.
  uint8_t Put(size_t x, size_t y, int step, std::vector<Point>& here,
              std::vector<Point>& below) {
    const uint8_t* pixel = &rgba_[(y * width_ + x) * 4];
    Point point = ToPoint(pixel);
    point += here[x + 1];
    const int cell = pixel[0] >> 3 << 10 | pixel[1] >> 3 << 5 | pixel[2] >> 3;
    const auto found = search_.Nearest(point, guesses_[cell]);
    guesses_[cell] = static_cast<uint8_t>(found.index);
    const float share = Share(x, y);
    if (share > 0) {
      const Point error = (point - search_.palette()[found.index]) * share;
      here[x + 1 + step] += error * (7.0F / 16);
      below[x + 1 - step] += error * (3.0F / 16);
      below[x + 1] += error * (5.0F / 16);
      below[x + 1 + step] += error * (1.0F / 16);
    }
    return static_cast<uint8_t>(found.index);
  }

  // How much of the error to pass on, by the contrast to the neighbours.
  float Share(size_t x, size_t y) const {
    const uint8_t* p = &rgba_[(y * width_ + x) * 4];
    int contrast = 0;
    for (int c = 0; c < 4; ++c) {
      const int left = x > 0 ? p[c - 4] : p[c];
      const int right = x + 1 < width_ ? p[c + 4] : p[c];
      const int up = y > 0 ? *(p + c - 4 * size_t{width_}) : p[c];
      contrast =
          std::max({contrast, std::abs(left - right), std::abs(up - p[c])});
    }
    constexpr int kBusy = 32;
    return contrast >= kBusy
               ? 0
               : kStrength * static_cast<float>(kBusy - contrast) / kBusy;
  }

  static constexpr float kStrength = 0.4F;

  const std::vector<uint8_t>& rgba_;
  const size_t width_;
  const PaletteSearch& search_;
  std::vector<uint8_t> guesses_;  // By the upper 5 bits of RGB.
};

}  // namespace

std::optional<Quantised> Quantise(const std::vector<uint8_t>& rgba,
                                  uint32_t width, double wanted,
                                  double tolerated) {
  std::vector<ColourCount> counts = CountColours(rgba, width);
  double weight = 0;
  for (const ColourCount& count : counts) weight += count.weight;
  // k-means takes off about a fifth of the error that the cut leaves.
  constexpr double kRefinement = 1.2;
  Choice choice =
      ChoosePalette(counts, wanted * kRefinement * weight, kMaxColours);
  if (choice.error > tolerated * weight) return std::nullopt;
  Quantised result;
  result.error = choice.error / weight;
  RoundPalette(choice.palette, result.palette);
  result.indices.resize(rgba.size() / 4);
  const PaletteSearch search(choice.palette);
  Ditherer(rgba, width, search).Run(result.indices);
  return result;
}

}  // namespace imgbatch
