// AVIF in a build without libavif.
#include "formats/avif.h"
#include "formats/checks.h"

namespace imgbatch {

Result<CodecCost, Failure> AvifCost(std::span<const uint8_t>,
                                    const CodecLimits&) {
  return Unsupported("an AVIF picture; this build has no AVIF support");
}

Result<ConvertedImage, Failure> ConvertAvif(std::span<const uint8_t>,
                                            const Recipe&, const CodecLimits&) {
  return Unsupported("an AVIF picture; this build has no AVIF support");
}

}  // namespace imgbatch
