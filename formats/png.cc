#include "formats/png.h"

#include <algorithm>
#include <optional>

#include <libdeflate.h>

#include "formats/checks.h"
#include "formats/exif.h"
#include "formats/png_encode.h"
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
  if (form == PngForm::kRgba8) {
    image = ReducePng(std::move(*image), FreedomOf(*file));
  }
  std::vector<uint8_t> made;
  const auto smaller =
      WritePng(*image, ExtraChunks(source, *file, recipe, made), recipe.effort,
               result.bytes.size());
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
  image = ReducePng(std::move(image), {.grey = !rgb_profile, .palette = true});
  return *WritePng(image, extra, recipe.effort, SIZE_MAX);
}

}  // namespace imgbatch
