#include "formats/png.h"

#include <algorithm>
#include <optional>

#include <libdeflate.h>

#include "formats/checks.h"
#include "formats/exif.h"
#include "formats/png_encode.h"
#include "formats/png_palette.h"
#include "formats/png_reduce.h"

namespace imgbatch {
namespace {

// Compressors, tables and row buffers that do not grow with the picture.
constexpr uint64_t kFixedMemory = 12 << 20;

// 16-bit samples survive where 8 bits would lose something.
bool KeepsDepth(const PngFile& file, const Recipe& recipe) {
  return file.header.bit_depth == 16 &&
         (file.needs_16_bits || recipe.quality == 100);
}

// What quality means for palettes, in the units of quantise.h. The error of a
// JPEG file grows with the square of its quantiser steps, and those follow
// IJG's scale; at quality 50 JPEG leaves 10 to 14 on product photos (measured
// 2026-11-22), background included, which here counts little: so 16.
double WantedError(int quality) {
  const double scale =
      quality < 50 ? 50.0 / quality : (200.0 - 2 * quality) / 100;
  return std::min(16 * scale * scale, 250.0);
}
// Colourful pictures may have more, as JPEG files do, before 256 colours are
// given up.
constexpr double kTolerance = 2.5;

// Pictures of this few colours are drawings; they stay exact.
constexpr size_t kDrawingColours = 64;

// The smaller of the palette that the quality allows and no loss at all.
std::optional<std::vector<uint8_t>> EncodeSmallest(PngImage image,
                                                   const PngFreedom& freedom,
                                                   std::span<const Bytes> extra,
                                                   const Recipe& recipe,
                                                   size_t max_bytes) {
  std::optional<std::vector<uint8_t>> best;
  if (recipe.quality < 100 && HasMoreColours(image, kDrawingColours)) {
    const double wanted = WantedError(recipe.quality);
    auto few = QuantisePng(image, freedom, wanted, wanted * kTolerance);
    if (few) best = WritePng(*few, extra, recipe.effort, max_bytes);
    if (best) max_bytes = best->size();
  }
  image = ReducePng(std::move(image), freedom);
  auto exact = WritePng(image, extra, recipe.effort, max_bytes);
  return exact ? std::move(exact) : std::move(best);
}

PngFreedom FreedomOf(const PngFile& file) {
  const bool has_profile =
      std::any_of(file.colour.begin(), file.colour.end(),
                  [](Bytes chunk) { return HasAt(chunk, 4, "iCCP"); });
  return {!has_profile || file.profile_is_grey, !file.profile_is_grey};
}

// Chunks that go into the new file, made ones in `made`.
std::vector<Bytes> ExtraChunks(Bytes source, const PngFile& file,
                               const Recipe& recipe,
                               std::vector<uint8_t>& made) {
  std::vector<Bytes> extra = file.colour;
  if (recipe.keep_metadata) {
    for (const Bytes chunk : PngMetadataChunks(source)) extra.push_back(chunk);
  } else if (file.orientation != 1) {
    AppendPngChunk(made, "eXIf", MinimalExif(file.orientation));
    extra.push_back(made);
  }
  return extra;
}

}  // namespace

Result<CodecCost, Failure> PngCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits) {
  const auto header = ReadPngHeader(source, limits);
  if (!header) return header.error();
  const uint64_t pixels = uint64_t{header->width} * header->height;
  // The decoded rows and the filtered ones, and the result twice (packed, and
  // in its file).
  const uint64_t per_pixel = header->bit_depth == 16 ? 16 : 8;
  return CodecCost{
      ImageFormat::kPng, header->width, header->height,
      pixels * per_pixel + header->height + 2 * source.size() + kFixedMemory};
}

Result<ConvertedImage, Failure> ConvertPng(std::span<const uint8_t> source,
                                           const Recipe& recipe,
                                           const CodecLimits& limits) {
  auto file = ReadPngFile(source, limits);
  if (!file) return file.error();
  const PngForm form =
      KeepsDepth(*file, recipe) ? PngForm::kNative : PngForm::kRgba8;
  auto image = DecodePng(*file, form);
  if (!image) return image.error();

  ConvertedImage result;
  result.format = ImageFormat::kPng;
  result.width = file->header.width;
  result.height = file->header.height;
  result.bytes =
      CopyPng(source, *file,
              recipe.keep_metadata ? PngMetadata::kKeep : PngMetadata::kStrip);
  result.how = DoneHow::kKeptOriginal;
  if (file->animated) {
    result.reason = "an animated PNG is kept as it is";
    return result;
  }
  std::vector<uint8_t> made;
  const std::vector<Bytes> extra = ExtraChunks(source, *file, recipe, made);
  auto smaller =
      form == PngForm::kRgba8
          ? EncodeSmallest(std::move(*image), FreedomOf(*file), extra, recipe,
                           result.bytes.size())
          : WritePng(*image, extra, recipe.effort, result.bytes.size());
  if (smaller.has_value() &&
      Pays(smaller->size(), result.bytes.size(), recipe)) {
    result.bytes = std::move(*smaller);
    result.how = DoneHow::kRecompressed;
  } else {
    result.reason = NotWorthIt(recipe);
  }
  return result;
}

namespace {

PngImage ToRgba8(const Pixels& pixels) {
  PngImage image;
  image.header.width = pixels.width;
  image.header.height = pixels.height;
  const size_t count = size_t{pixels.width} * pixels.height;
  const int channels = pixels.channels;
  image.rows.resize(4 * count);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* from = &pixels.data[i * channels];
    uint8_t* to = &image.rows[4 * i];
    const bool grey = channels < 3;
    to[0] = from[0];
    to[1] = from[grey ? 0 : 1];
    to[2] = from[grey ? 0 : 2];
    to[3] = channels % 2 == 0 ? from[channels - 1] : 0xFF;
  }
  return image;
}

std::vector<uint8_t> IccChunk(Bytes icc) {
  std::vector<uint8_t> data{'i', 'c', 'c', 0, 0};
  const std::unique_ptr<libdeflate_compressor,
                        decltype(&libdeflate_free_compressor)>
      compressor(libdeflate_alloc_compressor(9), libdeflate_free_compressor);
  const size_t head = data.size();
  data.resize(head +
              libdeflate_zlib_compress_bound(compressor.get(), icc.size()));
  data.resize(head + libdeflate_zlib_compress(compressor.get(), icc.data(),
                                              icc.size(), &data[head],
                                              data.size() - head));
  std::vector<uint8_t> chunk;
  AppendPngChunk(chunk, "iCCP", data);
  return chunk;
}

}  // namespace

std::vector<uint8_t> EncodePng(Pixels pixels, const Recipe& recipe) {
  PngImage image = ToRgba8(pixels);
  pixels.data = {};
  std::vector<uint8_t> icc;
  std::vector<Bytes> extra;
  const bool rgb_profile = HasAt(pixels.icc, 16, "RGB ");
  if (rgb_profile) {
    icc = IccChunk(pixels.icc);
    extra.push_back(icc);
  }
  const PngFreedom freedom{.grey = !rgb_profile, .palette = true};
  return *EncodeSmallest(std::move(image), freedom, extra, recipe, SIZE_MAX);
}

}  // namespace imgbatch
