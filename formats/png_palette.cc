#include "formats/png_palette.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

#include "formats/quantise.h"

namespace imgbatch {
namespace {

// Transparent colours first, so that tRNS is short; then dark to light.
std::vector<size_t> Order(const Quantised& quantised) {
  const auto& palette = quantised.palette;
  std::vector<size_t> order(palette.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto key = [&](size_t i) {
    const auto& c = palette[i];
    return std::tuple(c[3], 2 * c[0] + 5 * c[1] + c[2], i);
  };
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

void SetPalette(PngImage& image, const Quantised& quantised) {
  const std::vector<size_t> order = Order(quantised);
  std::array<uint8_t, 256> place{};
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& c = quantised.palette[order[i]];
    place[order[i]] = static_cast<uint8_t>(i);
    image.palette.insert(image.palette.end(), {c[0], c[1], c[2]});
    if (c[3] != 0xFF) image.transparency.push_back(c[3]);
  }
  for (uint8_t& index : image.rows) index = place[index];
  image.header.colour = PngColour::kPalette;
  image.header.bit_depth = BitsFor(order.size());
  PackRows(image);
}

// For pictures with a grey profile, which may not have a palette.
bool SetGrey(PngImage& image, const Quantised& quantised) {
  const bool fits = std::all_of(
      quantised.palette.begin(), quantised.palette.end(), [](const auto& c) {
        return c[0] == c[1] && c[1] == c[2] && c[3] == 0xFF;
      });
  if (!fits) return false;
  for (uint8_t& index : image.rows) index = quantised.palette[index][0];
  image.header.colour = PngColour::kGrey;
  return true;
}

}  // namespace

std::optional<PngImage> QuantisePng(const PngImage& image,
                                    const PngFreedom& freedom, double wanted,
                                    double tolerated) {
  auto quantised = Quantise(image.rows, image.header.width, wanted, tolerated);
  if (!quantised) return std::nullopt;
  PngImage result;
  result.header = image.header;
  result.rows = std::move(quantised->indices);
  if (freedom.palette) {
    SetPalette(result, *quantised);
    return result;
  }
  if (!SetGrey(result, *quantised)) return std::nullopt;
  return result;
}

}  // namespace imgbatch
