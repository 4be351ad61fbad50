#include "formats/avif.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include <avif/avif.h>

#include "formats/bytes.h"
#include "formats/checks.h"

namespace imgbatch {
namespace {

using Decoder = std::unique_ptr<avifDecoder, decltype(&avifDecoderDestroy)>;
using Encoder = std::unique_ptr<avifEncoder, decltype(&avifEncoderDestroy)>;

Failure FailureOf(avifResult result) {
  switch (result) {
    case AVIF_RESULT_NO_CODEC_AVAILABLE:
    case AVIF_RESULT_NOT_IMPLEMENTED:
    case AVIF_RESULT_UNSUPPORTED_DEPTH:
      return Unsupported("an AVIF picture of an unknown kind");
    case AVIF_RESULT_TRUNCATED_DATA:
      return Corrupt("the AVIF is cut off");
    default:
      return Corrupt(std::string("the AVIF is damaged: ") +
                     avifResultToString(result));
  }
}

// Boxes read, sizes checked, nothing decoded. `source` must live on.
Result<Decoder, Failure> Open(Bytes source, const CodecLimits& limits) {
  Decoder decoder(avifDecoderCreate(), avifDecoderDestroy);
  IMGBATCH_ASSERT(decoder != nullptr);
  decoder->maxThreads = 1;  // The program has its own.
  decoder->imageCountLimit = static_cast<uint32_t>(limits.max_frames);
  decoder->imageDimensionLimit = limits.max_side;
  avifResult result =
      avifDecoderSetIOMemory(decoder.get(), source.data(), source.size());
  if (result == AVIF_RESULT_OK) result = avifDecoderParse(decoder.get());
  if (result != AVIF_RESULT_OK) {
    // Beyond libavif's own limits there is no image to ask for its size.
    const std::string_view why = decoder->diag.error;
    if (why.find("too large") == std::string_view::npos) {
      return FailureOf(result);
    }
    return Failure{FailureCode::kTooManyPixels, 0,
                   "an AVIF picture of a size beyond all limits"};
  }
  const auto size =
      CheckSize(decoder->image->width, decoder->image->height, limits);
  if (!size) return size.error();
  // For the pictures inside, whose own headers may say otherwise.
  decoder->imageSizeLimit = static_cast<uint32_t>(
      std::min<uint64_t>(limits.max_pixels, AVIF_DEFAULT_IMAGE_SIZE_LIMIT));
  return decoder;
}

// Overwrites the first copy of `text` in the file, so that what is kept as it
// is loses its metadata without a byte moving.
void Blank(std::vector<uint8_t>& file, const avifRWData& text, uint8_t with) {
  if (text.size < 8) return;
  const auto found =
      std::search(file.begin(), file.end(), text.data, text.data + text.size);
  if (found != file.end()) std::fill_n(found, text.size, with);
}

std::vector<uint8_t> CopyAvif(Bytes source, const avifImage& image,
                              const Recipe& recipe) {
  std::vector<uint8_t> copy(source.begin(), source.end());
  if (!recipe.keep_metadata) {
    Blank(copy, image.exif, 0);
    Blank(copy, image.xmp, ' ');
  }
  return copy;
}

// nullopt when the encoder cannot.
std::optional<std::vector<uint8_t>> Encode(avifImage& image,
                                           const Recipe& recipe) {
  const Encoder encoder(avifEncoderCreate(), avifEncoderDestroy);
  IMGBATCH_ASSERT(encoder != nullptr);
  encoder->maxThreads = 1;
  encoder->speed = std::array{8, 6, 3}.at(static_cast<size_t>(recipe.effort));
  // 0 (lossless) to 63; linear, as later versions of libavif map quality.
  const int quantizer =
      (100 - recipe.quality) * AVIF_QUANTIZER_WORST_QUALITY / 100;
  encoder->minQuantizer = quantizer;
  encoder->maxQuantizer = quantizer;
  encoder->minQuantizerAlpha = quantizer / 2;
  encoder->maxQuantizerAlpha = quantizer / 2;
  if (!recipe.keep_metadata) {
    avifImageSetMetadataExif(&image, nullptr, 0);
    avifImageSetMetadataXMP(&image, nullptr, 0);
  }
  avifRWData data = AVIF_DATA_EMPTY;
  const avifResult result = avifEncoderWrite(encoder.get(), &image, &data);
  std::optional<std::vector<uint8_t>> bytes;
  if (result == AVIF_RESULT_OK) bytes.emplace(data.data, data.data + data.size);
  avifRWDataFree(&data);
  return bytes;
}

}  // namespace

Result<CodecCost, Failure> AvifCost(std::span<const uint8_t> source,
                                    const CodecLimits& limits) {
  const auto decoder = Open(source, limits);
  if (!decoder) return decoder.error();
  const avifImage& image = *(*decoder)->image;
  const uint64_t pixels = uint64_t{image.width} * image.height;
  // Measured 2026-11-22 with libavif 0.11, dav1d and libaom on noise with
  // alpha: 41 and 54 in all at 1.4 megapixels.
  const uint64_t per_pixel = image.depth > 8 ? 48 : 38;
  constexpr uint64_t kFixedMemory = 40 << 20;
  return CodecCost{ImageFormat::kAvif, image.width, image.height,
                   pixels * per_pixel + 2 * source.size() + kFixedMemory};
}

Result<ConvertedImage, Failure> ConvertAvif(std::span<const uint8_t> source,
                                            const Recipe& recipe,
                                            const CodecLimits& limits) {
  const auto decoder = Open(source, limits);
  if (!decoder) return decoder.error();
  avifDecoder& avif = **decoder;
  ConvertedImage result;
  result.format = ImageFormat::kAvif;
  result.width = avif.image->width;
  result.height = avif.image->height;
  result.how = DoneHow::kKeptOriginal;
  const avifResult decoded = avifDecoderNextImage(&avif);
  if (decoded != AVIF_RESULT_OK) return FailureOf(decoded);
  result.bytes = CopyAvif(source, *avif.image, recipe);
  if (avif.imageCount > 1) {
    result.reason = "an animated AVIF is kept as it is";
    return result;
  }
  auto smaller = Encode(*avif.image, recipe);
  if (smaller && Pays(smaller->size(), source.size(), recipe)) {
    result.bytes = std::move(*smaller);
    result.how = DoneHow::kRecompressed;
  } else {
    result.reason = NotWorthIt(recipe);
  }
  return result;
}

}  // namespace imgbatch
