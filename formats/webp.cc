#include "formats/webp.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include "formats/checks.h"
#include "formats/webp_file.h"

namespace imgbatch {
namespace {

// Above it, lossless coding (of pictures and of alpha) would take more memory
// than all other images together may have, so the quick ways are taken.
constexpr uint64_t kLargePicture = 6'000'000;  // Pixels.

// The most that libwebp 1.2.4 takes, with the decoded picture; measured
// 2026-11-22 with noise at all efforts.
uint64_t MemoryFor(uint64_t width, uint64_t height, bool lossless, bool alpha) {
  const uint64_t pixels = width * height;
  if (!lossless && !alpha) return 4 * pixels + 128 * width + (1 << 20);
  constexpr uint64_t kHashTables = 16 << 20;
  const uint64_t per_pixel = pixels > kLargePicture ? 30 : (lossless ? 56 : 48);
  return per_pixel * pixels + kHashTables;
}

Result<WebPBitstreamFeatures, Failure> ReadFeatures(Bytes source,
                                                    const CodecLimits& limits) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status =
      WebPGetFeatures(source.data(), source.size(), &features);
  if (status != VP8_STATUS_OK) {
    return Corrupt(status == VP8_STATUS_NOT_ENOUGH_DATA
                       ? "the WebP is cut off"
                       : "the header of the WebP is damaged");
  }
  const auto size = CheckSize(features.width, features.height, limits);
  if (!size) return size.error();
  return features;
}

constexpr int kFormatLossless = 2;  // WebPBitstreamFeatures::format.

// A decoded picture. Lossy ones stay in YUV, so that nothing is lost on the
// way into the encoder.
class Decoded {
 public:
  Decoded() { IMGBATCH_ASSERT(WebPInitDecoderConfig(&config_) != 0); }
  ~Decoded() { WebPFreeDecBuffer(&config_.output); }
  Decoded(const Decoded&) = delete;
  Decoded& operator=(const Decoded&) = delete;

  bool Decode(Bytes source, const WebPBitstreamFeatures& features) {
    lossless_ = features.format == kFormatLossless;
    alpha_ = features.has_alpha != 0;
    constexpr bool kLittle = std::endian::native == std::endian::little;
    config_.output.colorspace = lossless_ ? (kLittle ? MODE_BGRA : MODE_ARGB)
                                          : (alpha_ ? MODE_YUVA : MODE_YUV);
    return WebPDecode(source.data(), source.size(), &config_) == VP8_STATUS_OK;
  }

  void Release() { WebPFreeDecBuffer(&config_.output); }

  // Lets the encoder see the pixels where they are. The picture must not
  // outlive this object.
  void Lend(WebPPicture& picture) {
    const WebPDecBuffer& from = config_.output;
    picture.width = from.width;
    picture.height = from.height;
    picture.use_argb = lossless_ ? 1 : 0;
    if (lossless_) {
      picture.argb = reinterpret_cast<uint32_t*>(from.u.RGBA.rgba);
      picture.argb_stride = from.u.RGBA.stride / 4;
      return;
    }
    const WebPYUVABuffer& planes = from.u.YUVA;
    picture.colorspace = alpha_ ? WEBP_YUV420A : WEBP_YUV420;
    picture.y = planes.y;
    picture.u = planes.u;
    picture.v = planes.v;
    picture.a = planes.a;
    picture.y_stride = planes.y_stride;
    picture.uv_stride = planes.u_stride;
    picture.a_stride = planes.a_stride;
  }

 private:
  WebPDecoderConfig config_;
  bool lossless_ = false;
  bool alpha_ = false;
};

// Gives up when the file grows beyond what would pay.
struct Sink {
  std::vector<uint8_t> bytes;
  size_t max_bytes = 0;
};
int Write(const uint8_t* data, size_t size, const WebPPicture* picture) {
  auto& sink = *static_cast<Sink*>(picture->custom_ptr);
  if (sink.bytes.size() + size > sink.max_bytes) return 0;
  Append(sink.bytes, Bytes(data, size));
  return 1;
}

enum class Mode : uint8_t { kLossy, kLossyQuick, kLossless };

WebPConfig ConfigFor(Mode mode, const Recipe& recipe) {
  WebPConfig config;
  IMGBATCH_ASSERT(WebPConfigInit(&config) != 0);
  const int effort = static_cast<int>(recipe.effort);
  if (mode != Mode::kLossless) {
    config.quality = static_cast<float>(recipe.quality);
    config.method =
        mode == Mode::kLossyQuick ? 0 : std::array{3, 4, 6}.at(effort);
  } else {
    IMGBATCH_ASSERT(
        WebPConfigLosslessPreset(&config, std::array{2, 5, 9}.at(effort)) != 0);
  }
  return config;
}

// nullopt when there would be more than `max_bytes`. Lossy modes use the pixels
// up.
std::optional<std::vector<uint8_t>> Encode(Decoded& pixels, Mode mode,
                                           const Recipe& recipe,
                                           size_t max_bytes) {
  const WebPConfig config = ConfigFor(mode, recipe);
  WebPPicture picture;
  IMGBATCH_ASSERT(WebPPictureInit(&picture) != 0);
  pixels.Lend(picture);
  if (mode != Mode::kLossless && picture.use_argb != 0) {
    const bool converted = WebPPictureARGBToYUVA(&picture, WEBP_YUV420) != 0;
    picture.argb = nullptr;
    pixels.Release();
    if (!converted) return std::nullopt;
  }
  Sink sink;
  sink.max_bytes = max_bytes;
  picture.writer = Write;
  picture.custom_ptr = &sink;
  const bool ok = WebPEncode(&config, &picture) != 0;
  const WebPEncodingError error = picture.error_code;
  WebPPictureFree(&picture);
  if (ok) return std::move(sink.bytes);
  IMGBATCH_ASSERT(error != VP8_ENC_ERROR_INVALID_CONFIGURATION &&
                  error != VP8_ENC_ERROR_NULL_PARAMETER);
  return std::nullopt;
}

// The smallest of the encodings that the source allows.
std::optional<std::vector<uint8_t>> EncodeBest(
    Decoded& pixels, const WebPBitstreamFeatures& features,
    const Recipe& recipe, size_t max_bytes) {
  const bool large = uint64_t(features.width) * features.height > kLargePicture;
  const bool lossless = features.format == kFormatLossless;
  std::optional<std::vector<uint8_t>> exact;
  if (lossless && (!large || recipe.quality == 100)) {
    exact = Encode(pixels, Mode::kLossless, recipe, max_bytes);
    if (exact) max_bytes = exact->size();
  }
  if (lossless && recipe.quality == 100) return exact;
  auto lossy = Encode(pixels, large ? Mode::kLossyQuick : Mode::kLossy, recipe,
                      max_bytes);
  return lossy ? std::move(lossy) : std::move(exact);
}

Result<void, Failure> CheckAnimation(const WebPBitstreamFeatures& features,
                                     const WebpFile& file,
                                     const CodecLimits& limits) {
  if (file.frames > limits.max_frames) {
    return Failure{FailureCode::kTooComplex, 0,
                   fmt::format("{} frames; the limit is {}", file.frames,
                               limits.max_frames)};
  }
  const uint64_t pixels = uint64_t(features.width) * features.height;
  if (pixels * file.frames > limits.max_pixels * kMaxAnimationFactor) {
    return {};  // Kept without a look into each frame.
  }
  WebPAnimDecoderOptions options;
  IMGBATCH_ASSERT(WebPAnimDecoderOptionsInit(&options) != 0);
  const WebPData data{file.whole.data(), file.whole.size()};
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)>
      decoder(WebPAnimDecoderNew(&data, &options), WebPAnimDecoderDelete);
  if (decoder == nullptr) return Corrupt("the animated WebP is damaged");
  while (WebPAnimDecoderHasMoreFrames(decoder.get()) != 0) {
    uint8_t* frame = nullptr;
    int time = 0;
    if (WebPAnimDecoderGetNext(decoder.get(), &frame, &time) == 0) {
      return Corrupt("a frame of the animated WebP is damaged");
    }
  }
  return {};
}

}  // namespace

Result<CodecCost, Failure> WebpCost(std::span<const uint8_t> source,
                                    const CodecLimits& limits) {
  const auto features = ReadFeatures(source, limits);
  if (!features) return features.error();
  // Frames of animations may be of any kind.
  const bool animated = features->has_animation != 0;
  const uint64_t memory =
      MemoryFor(features->width, features->height,
                animated || features->format == kFormatLossless,
                animated || features->has_alpha != 0);
  return CodecCost{ImageFormat::kWebp, uint32_t(features->width),
                   uint32_t(features->height), memory + 2 * source.size()};
}

Result<ConvertedImage, Failure> ConvertWebp(std::span<const uint8_t> source,
                                            const Recipe& recipe,
                                            const CodecLimits& limits) {
  const auto features = ReadFeatures(source, limits);
  if (!features) return features.error();
  const auto file = ReadWebpFile(source);
  if (!file) return file.error();
  if (file->icc.size() > limits.max_metadata) {
    return Failure{
        FailureCode::kTooComplex, 0,
        fmt::format("a colour profile of {} bytes", file->icc.size())};
  }
  const WebpMetadata metadata =
      recipe.keep_metadata ? WebpMetadata::kKeep : WebpMetadata::kStrip;
  ConvertedImage result;
  result.format = ImageFormat::kWebp;
  result.width = static_cast<uint32_t>(features->width);
  result.height = static_cast<uint32_t>(features->height);
  result.how = DoneHow::kKeptOriginal;
  if (features->has_animation != 0) {
    const auto checked = CheckAnimation(*features, *file, limits);
    if (!checked) return checked.error();
    result.bytes = CopyWebp(*file, metadata);
    result.reason = "an animated WebP is kept as it is";
    return result;
  }
  Decoded pixels;
  if (!pixels.Decode(source, *features)) {
    return Corrupt("the pixels of the WebP are damaged");
  }
  result.bytes = CopyWebp(*file, metadata);
  auto smaller = EncodeBest(pixels, *features, recipe, result.bytes.size());
  if (smaller) smaller = DressWebp(std::move(*smaller), *file, metadata);
  if (smaller && Pays(smaller->size(), result.bytes.size(), recipe)) {
    result.bytes = std::move(*smaller);
    result.how = DoneHow::kRecompressed;
  } else {
    result.reason = NotWorthIt(recipe);
  }
  return result;
}

}  // namespace imgbatch
