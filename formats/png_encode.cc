#include "formats/png_encode.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <libdeflate.h>

#include "formats/png_filter.h"

namespace imgbatch {
namespace {

using Compressor = std::unique_ptr<libdeflate_compressor,
                                   decltype(&libdeflate_free_compressor)>;

Compressor MakeCompressor(int level) {
  Compressor compressor(libdeflate_alloc_compressor(level),
                        libdeflate_free_compressor);
  IMGBATCH_ASSERT(compressor != nullptr);
  return compressor;
}

// Level of libdeflate, 1..12.
int Level(Effort effort) {
  switch (effort) {
    case Effort::kFast:
      return 6;
    case Effort::kBalanced:
      return 9;
    case Effort::kMax:
      return 12;
  }
  return 6;
}

// Empty when the result would have more than `max_bytes`.
std::vector<uint8_t> Deflate(Bytes bytes, int level, size_t max_bytes) {
  const Compressor compressor = MakeCompressor(level);
  const size_t bound =
      libdeflate_zlib_compress_bound(compressor.get(), bytes.size());
  std::vector<uint8_t> out(std::min(bound, max_bytes));
  out.resize(libdeflate_zlib_compress(compressor.get(), bytes.data(),
                                      bytes.size(), out.data(), out.size()));
  return out;
}

// Rows for a trial: some bands from all over the picture.
constexpr size_t kBands = 8;
constexpr size_t kBandRows = 24;
constexpr size_t kTrialLevel = 4;

std::vector<uint8_t> FilterSample(const PngImage& image, PngFilter filter) {
  const size_t height = image.header.height;
  if (height <= kBands * kBandRows) return FilterRows(image, filter, 0, height);
  std::vector<uint8_t> sample;
  for (size_t band = 0; band < kBands; ++band) {
    const size_t first = (height - kBandRows) * band / (kBands - 1);
    Append(sample, FilterRows(image, filter, first, first + kBandRows));
  }
  return sample;
}

struct Trial {
  uint64_t size = 0;  // Expected of the whole picture, in bytes.
  PngFilter filter = PngFilter::kNone;
};

// Filters by what a trial says of them, best first.
std::vector<Trial> RankFilters(const PngImage& image) {
  if (image.header.bits_per_pixel() < 8 ||
      image.header.colour == PngColour::kPalette) {
    return {{0, PngFilter::kNone}, {0, PngFilter::kLeastSum}};
  }
  const uint64_t whole =
      (image.header.row_bytes() + 1) * uint64_t{image.header.height};
  std::vector<Trial> trials;
  for (const PngFilter filter : kPngFilters) {
    const std::vector<uint8_t> sample = FilterSample(image, filter);
    const size_t size = Deflate(sample, kTrialLevel, SIZE_MAX).size();
    trials.push_back({size * whole / sample.size(), filter});
  }
  std::stable_sort(
      trials.begin(), trials.end(),
      [](const Trial& a, const Trial& b) { return a.size < b.size; });
  return trials;
}

size_t FiltersToTry(Effort effort) {
  switch (effort) {
    case Effort::kFast:
      return 1;
    case Effort::kBalanced:
      return 2;
    case Effort::kMax:
      return kPngFilters.size();
  }
  return 1;
}

std::vector<uint8_t> CompressRows(const PngImage& image, Effort effort,
                                  size_t max_bytes) {
  std::vector<Trial> trials = RankFilters(image);
  trials.resize(std::min(trials.size(), FiltersToTry(effort)));
  std::vector<uint8_t> best;
  for (const Trial& trial : trials) {
    // No level makes up for half as much again.
    if (trial.size / 3 * 2 > max_bytes) continue;
    const std::vector<uint8_t> rows =
        FilterRows(image, trial.filter, 0, image.header.height);
    std::vector<uint8_t> packed = Deflate(rows, Level(effort), max_bytes);
    if (packed.empty()) continue;
    max_bytes = packed.size() - 1;
    best = std::move(packed);
  }
  return best;
}

std::vector<uint8_t> HeaderData(const PngHeader& header) {
  std::vector<uint8_t> data;
  AppendBe32(data, header.width);
  AppendBe32(data, header.height);
  data.insert(data.end(),
              {header.bit_depth, static_cast<uint8_t>(header.colour), 0, 0, 0});
  return data;
}

}  // namespace

std::optional<std::vector<uint8_t>> WritePng(const PngImage& image,
                                             std::span<const Bytes> extra,
                                             Effort effort, size_t max_bytes) {
  constexpr size_t kChunkFrame = 12;
  std::vector<uint8_t> out(kPngSignature, kPngSignature + 8);
  AppendPngChunk(out, "IHDR", HeaderData(image.header));
  for (const Bytes chunk : extra) Append(out, chunk);
  if (!image.palette.empty() && image.header.colour == PngColour::kPalette) {
    AppendPngChunk(out, "PLTE", image.palette);
  }
  if (!image.transparency.empty()) {
    AppendPngChunk(out, "tRNS", image.transparency);
  }
  const size_t rest = out.size() + 2 * kChunkFrame;
  if (max_bytes <= rest) return std::nullopt;
  const std::vector<uint8_t> rows =
      CompressRows(image, effort, max_bytes - rest);
  if (rows.empty()) return std::nullopt;
  out.reserve(rest + rows.size());
  AppendPngChunk(out, "IDAT", rows);
  AppendPngChunk(out, "IEND", {});
  return out;
}

}  // namespace imgbatch
