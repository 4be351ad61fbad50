// The codec of all formats: looks at the content and hands over to the one
// that can.
#pragma once

#include "core/codec.h"
#include "formats/limits.h"

namespace imgbatch {

// Any thread; has no state beside its limits.
class ImageCodec final : public Codec {
 public:
  explicit ImageCodec(const CodecLimits& limits) : limits_(limits) {}

  Result<CodecCost, Failure> Cost(const SourceImage& source) const override;
  Result<ConvertedImage, Failure> Convert(const SourceImage& source,
                                          const Recipe& recipe) const override;

 private:
  CodecLimits limits_;
};

}  // namespace imgbatch
