// Windows bitmaps. An own decoder: stb_image reads palettes past their end and
// refuses 24-bit files with a gap before the pixels.
#pragma once

#include <cstdint>
#include <span>

#include "core/codec.h"
#include "formats/limits.h"
#include "formats/pixels.h"

namespace imgbatch {

// From the header alone; see Codec::Cost. The memory is that of DecodeBmp.
Result<CodecCost, Failure> BmpCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits);

// RGB, or RGBA where the header declares alpha and a pixel uses it. 1, 2, 4,
// 8, 16, 24 and 32 bits, RLE4 and RLE8. Fails with kCorruptImage when pixels
// are missing, with kUnsupportedFormat for JPEG or PNG inside.
Result<Pixels, Failure> DecodeBmp(std::span<const uint8_t> source,
                                  const CodecLimits& limits);

}  // namespace imgbatch
