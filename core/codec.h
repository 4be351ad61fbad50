// The codec port: picture bytes in, smaller picture bytes out. Pure and
// thread-safe: the same bytes and recipe give the same result on any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/failure.h"
#include "core/image_format.h"
#include "core/job.h"
#include "core/recipe.h"
#include "core/result.h"

namespace imgbatch {

struct SourceImage {
  std::span<const uint8_t> bytes;
  // Last path segment of the URL; only TGA, which has no signature, looks.
  std::string_view name;
};

// What a conversion will need, read from the header alone.
struct CodecCost {
  ImageFormat format = ImageFormat::kJpeg;
  uint32_t width = 0;   // Pixels.
  uint32_t height = 0;  // Pixels.
  uint64_t memory = 0;  // Bytes at the peak, the source not counted.
};

struct ConvertedImage {
  std::vector<uint8_t> bytes;
  ImageFormat format = ImageFormat::kJpeg;
  uint32_t width = 0;                    // Pixels.
  uint32_t height = 0;                   // Pixels.
  DoneHow how = DoneHow::kRecompressed;  // kRecompressed or kKeptOriginal.
  std::string reason;  // Why kept, e.g. "saves less than 2 %"; else empty.
};

class Codec {
 public:
  virtual ~Codec() = default;
  // Allocates nothing that grows with the picture. Fails with kNotAnImage,
  // kUnsupportedFormat, kTooManyPixels or kCorruptImage.
  virtual Result<CodecCost, Failure> Cost(const SourceImage& source) const = 0;
  // Fails with the above or kTooComplex. Never returns more bytes than the
  // source has.
  virtual Result<ConvertedImage, Failure> Convert(
      const SourceImage& source, const Recipe& recipe) const = 0;
};

}  // namespace imgbatch
