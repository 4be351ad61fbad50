#include "formats/image_codec.h"

#include <algorithm>

#include "formats/avif.h"
#include "formats/bmp.h"
#include "formats/checks.h"
#include "formats/gif.h"
#include "formats/jpeg.h"
#include "formats/png.h"
#include "formats/pnm.h"
#include "formats/psd.h"
#include "formats/sniff.h"
#include "formats/stb_decode.h"
#include "formats/webp.h"

namespace imgbatch {
namespace {

using Span = std::span<const uint8_t>;

// Formats without a compressor of their own become JPEG or PNG; the encoders
// need about as much as their formats do: 8 bytes a pixel for PNG, less for
// JPEG.
Result<CodecCost, Failure> ForeignCost(Result<CodecCost, Failure> decoding) {
  if (!decoding) return decoding;
  constexpr uint64_t kFixedMemory = 12 << 20;
  const uint64_t pixels = uint64_t{decoding->width} * decoding->height;
  decoding->memory += pixels * 12 + kFixedMemory;
  return decoding;
}

bool HasTransparency(const Pixels& pixels) {
  if (pixels.channels % 2 == 1) return false;
  for (size_t i = pixels.channels - 1; i < pixels.data.size();
       i += pixels.channels) {
    if (pixels.data[i] != 0xFF) return true;
  }
  return false;
}

void DropAlpha(Pixels& pixels) {
  if (pixels.channels % 2 == 1) return;
  const size_t from_step = pixels.channels;
  const size_t to_step = from_step - 1;
  const size_t count = pixels.data.size() / from_step;
  for (size_t i = 0; i < count; ++i) {
    std::copy_n(&pixels.data[i * from_step], to_step,
                &pixels.data[i * to_step]);
  }
  pixels.data.resize(count * to_step);
  pixels.channels -= 1;
}

Result<ConvertedImage, Failure> ConvertForeign(Result<Pixels, Failure> decoded,
                                               ImageFormat format,
                                               const SourceImage& source,
                                               const Recipe& recipe) {
  if (!decoded) return decoded.error();
  ConvertedImage result;
  result.width = decoded->width;
  result.height = decoded->height;
  if (HasTransparency(*decoded)) {
    result.format = ImageFormat::kPng;
    result.bytes = EncodePng(std::move(*decoded), recipe);
  } else {
    DropAlpha(*decoded);
    result.format = ImageFormat::kJpeg;
    auto bytes = EncodeJpeg(*decoded, recipe.quality);
    if (!bytes) return bytes.error();
    result.bytes = std::move(*bytes);
  }
  if (!Pays(result.bytes.size(), source.bytes.size(), recipe)) {
    result.format = format;
    result.bytes.assign(source.bytes.begin(), source.bytes.end());
    result.how = DoneHow::kKeptOriginal;
    result.reason = NotWorthIt(recipe);
  }
  return result;
}

}  // namespace

Result<CodecCost, Failure> ImageCodec::Cost(const SourceImage& source) const {
  const auto format = Sniff(source);
  if (!format) return format.error();
  const Span bytes = source.bytes;
  switch (*format) {
    case ImageFormat::kJpeg:
      return JpegCost(bytes, limits_);
    case ImageFormat::kPng:
      return PngCost(bytes, limits_);
    case ImageFormat::kWebp:
      return WebpCost(bytes, limits_);
    case ImageFormat::kGif:
      return GifCost(bytes, limits_);
    case ImageFormat::kBmp:
      return ForeignCost(BmpCost(bytes, limits_));
    case ImageFormat::kTga:
      return ForeignCost(TgaCost(bytes, limits_));
    case ImageFormat::kPnm:
      return ForeignCost(PnmCost(bytes, limits_));
    case ImageFormat::kPsd:
      return ForeignCost(PsdCost(bytes, limits_));
    case ImageFormat::kAvif:
      return AvifCost(bytes, limits_);
  }
  return Unsupported("an unknown format");
}

Result<ConvertedImage, Failure> ImageCodec::Convert(
    const SourceImage& source, const Recipe& recipe) const {
  const auto format = Sniff(source);
  if (!format) return format.error();
  const Span bytes = source.bytes;
  switch (*format) {
    case ImageFormat::kJpeg:
      return ConvertJpeg(bytes, recipe, limits_);
    case ImageFormat::kPng:
      return ConvertPng(bytes, recipe, limits_);
    case ImageFormat::kWebp:
      return ConvertWebp(bytes, recipe, limits_);
    case ImageFormat::kGif:
      return ConvertGif(bytes, recipe, limits_);
    case ImageFormat::kBmp:
      return ConvertForeign(DecodeBmp(bytes, limits_), *format, source, recipe);
    case ImageFormat::kTga:
      return ConvertForeign(DecodeTga(bytes, limits_), *format, source, recipe);
    case ImageFormat::kPnm:
      return ConvertForeign(DecodePnm(bytes, limits_), *format, source, recipe);
    case ImageFormat::kPsd:
      return ConvertForeign(DecodePsd(bytes, limits_), *format, source, recipe);
    case ImageFormat::kAvif:
      return ConvertAvif(bytes, recipe, limits_);
  }
  return Unsupported("an unknown format");
}

}  // namespace imgbatch
