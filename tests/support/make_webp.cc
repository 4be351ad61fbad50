// The WebP files of make_images.h, written by libwebp.
#include <webp/encode.h>
#include <webp/mux.h>

#include "core/result.h"
#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

void Import(const Pixels& pixels, WebPPicture& picture) {
  IMGBATCH_ASSERT(WebPPictureInit(&picture) != 0);
  picture.width = static_cast<int>(pixels.width);
  picture.height = static_cast<int>(pixels.height);
  picture.use_argb = 1;
  const int stride = picture.width * pixels.channels;
  const int ok =
      pixels.channels == 4
          ? WebPPictureImportRGBA(&picture, pixels.data.data(), stride)
          : WebPPictureImportRGB(&picture, pixels.data.data(), stride);
  IMGBATCH_ASSERT(ok != 0);
}

WebPConfig Config(bool lossless, float quality) {
  WebPConfig config;
  IMGBATCH_ASSERT(WebPConfigInit(&config) != 0);
  config.quality = quality;
  config.lossless = lossless ? 1 : 0;
  config.method = lossless ? 0 : 2;
  return config;
}

WebPData AsData(const void* bytes, size_t size) {
  return {static_cast<const uint8_t*>(bytes), size};
}

std::vector<uint8_t> Take(WebPData& data) {
  std::vector<uint8_t> out(data.bytes, data.bytes + data.size);
  WebPDataClear(&data);
  return out;
}

}  // namespace

std::vector<uint8_t> MakeWebp(const Pixels& pixels,
                              const WebpOptions& options) {
  const WebPConfig config = Config(options.lossless, options.quality);
  WebPPicture picture;
  Import(pixels, picture);
  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  IMGBATCH_ASSERT(WebPEncode(&config, &picture) != 0);
  WebPPictureFree(&picture);
  const WebPData image = AsData(writer.mem, writer.size);
  WebPMux* mux = WebPMuxCreate(&image, 1);
  WebPMemoryWriterClear(&writer);
  const auto set = [&](const char* name, const void* bytes, size_t size) {
    if (size == 0) return;
    const WebPData data = AsData(bytes, size);
    IMGBATCH_ASSERT(WebPMuxSetChunk(mux, name, &data, 1) == WEBP_MUX_OK);
  };
  set("ICCP", options.icc.data(), options.icc.size());
  set("EXIF", options.exif.data(), options.exif.size());
  set("XMP ", options.xmp.data(), options.xmp.size());
  WebPData out;
  IMGBATCH_ASSERT(WebPMuxAssemble(mux, &out) == WEBP_MUX_OK);
  WebPMuxDelete(mux);
  return Take(out);
}

std::vector<uint8_t> MakeAnimatedWebp(const std::vector<Pixels>& frames,
                                      bool lossless) {
  WebPAnimEncoderOptions options;
  IMGBATCH_ASSERT(WebPAnimEncoderOptionsInit(&options) != 0);
  options.kmax = 1;  // Each frame whole, so that there is much to save.
  options.kmin = 0;
  const WebPConfig config = Config(lossless, 90);
  WebPAnimEncoder* encoder =
      WebPAnimEncoderNew(static_cast<int>(frames[0].width),
                         static_cast<int>(frames[0].height), &options);
  int time = 0;
  for (const Pixels& frame : frames) {
    WebPPicture picture;
    Import(frame, picture);
    IMGBATCH_ASSERT(WebPAnimEncoderAdd(encoder, &picture, time, &config) != 0);
    WebPPictureFree(&picture);
    time += 100;
  }
  IMGBATCH_ASSERT(WebPAnimEncoderAdd(encoder, nullptr, time, nullptr) != 0);
  WebPData out;
  WebPDataInit(&out);
  IMGBATCH_ASSERT(WebPAnimEncoderAssemble(encoder, &out) != 0);
  WebPAnimEncoderDelete(encoder);
  return Take(out);
}

}  // namespace imgbatch
