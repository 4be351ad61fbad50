// Images as servers send them, through the codec of all formats.
#include <cstddef>
#include <cstdint>

#include "core/recipe.h"
#include "formats/image_codec.h"

namespace imgbatch {
namespace {

// Small enough that each input takes milliseconds.
constexpr CodecLimits kLimits{.max_pixels = 1'000'000,
                              .max_side = 65'535,
                              .max_scans = 20,
                              .max_frames = 20,
                              .max_metadata = 1 << 20};

void Check(std::span<const uint8_t> bytes) {
  const ImageCodec codec(kLimits);
  // The name matters to TGA alone, which has no signature.
  const SourceImage source{bytes, "x.tga"};
  const auto cost = codec.Cost(source);
  if (!cost) return;
  IMGBATCH_ASSERT(cost->width > 0 && cost->height > 0);
  const auto image = codec.Convert(source, Recipe{});
  if (!image) return;
  IMGBATCH_ASSERT(!image->bytes.empty());
  IMGBATCH_ASSERT(image->bytes.size() <= bytes.size());
  // The result is an image itself, of the format that it is said to be.
  const auto again = codec.Cost({image->bytes, "x.tga"});
  IMGBATCH_ASSERT(again && again->format == image->format);
}

}  // namespace
}  // namespace imgbatch

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  imgbatch::Check({data, size});
  return 0;
}
