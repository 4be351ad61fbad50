// How the store numbers images: see the schema.
#pragma once

#include <cstdint>

#include "core/job.h"

namespace imgbatch {

constexpr ImageKey ImageKeyOf(BatchKey batch, int64_t n) {
  return static_cast<ImageKey>(static_cast<int64_t>(batch) << 32 | n);
}
constexpr BatchKey BatchOf(ImageKey image) {
  return static_cast<BatchKey>(static_cast<int64_t>(image) >> 32);
}
constexpr int64_t NumberOf(ImageKey image) {
  return static_cast<int64_t>(image) & 0xFFFF'FFFF;
}
inline constexpr int64_t kMaxImagesPerBatch = 0xFFFF'FFFF;

}  // namespace imgbatch
