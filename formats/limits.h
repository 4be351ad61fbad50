// What a decoder may be asked to do, checked from the header before anything
// is allocated. Why each figure: man page 7, limits.
#pragma once

#include <cstdint>

namespace imgbatch {

struct CodecLimits {
  uint64_t max_pixels = 50'000'000;  // Per frame; `--max-pixels`.
  uint32_t max_side = 65'535;        // Pixels; what JPEG can say.
  int max_scans = 100;               // Progressive JPEG; libjpeg-turbo's own
                                     // fuzzers stop there.
  int max_frames = 1'000;            // Animated WebP.
  uint64_t max_metadata = 8 << 20;   // Bytes of ICC, EXIF and the like.
};

}  // namespace imgbatch
