// Portable bitmaps, greymaps and pixmaps (P1 to P6; netpbm's manual pages).
#pragma once

#include <cstdint>
#include <span>

#include "core/codec.h"
#include "formats/limits.h"
#include "formats/pixels.h"

namespace imgbatch {

// From the header alone; see Codec::Cost. The memory is that of DecodePnm.
Result<CodecCost, Failure> PnmCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits);

// Grey for P1, P2, P4 and P5, RGB for P3 and P6. Fails with kCorruptImage when
// samples are missing or above the maximum.
Result<Pixels, Failure> DecodePnm(std::span<const uint8_t> source,
                                  const CodecLimits& limits);

}  // namespace imgbatch
