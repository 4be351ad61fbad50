// Holds Codec::Cost to its word: every allocation of the process is counted.
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "formats/image_codec.h"
#include "tests/support/make_images.h"
#include "tests/support/sample_files.h"

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

namespace {

std::atomic<int64_t> current{0};
std::atomic<int64_t> peak{0};

void* Counted(void* p) {
  if (p == nullptr) return p;
  const int64_t now = current += static_cast<int64_t>(malloc_usable_size(p));
  int64_t before = peak;
  while (before < now && !peak.compare_exchange_weak(before, now)) {
  }
  return p;
}
void Uncount(void* p) {
  if (p != nullptr) current -= static_cast<int64_t>(malloc_usable_size(p));
}

}  // namespace

extern "C" {
void* malloc(size_t size) { return Counted(__libc_malloc(size)); }
void* calloc(size_t n, size_t size) { return Counted(__libc_calloc(n, size)); }
void* realloc(void* p, size_t size) {
  Uncount(p);
  return Counted(__libc_realloc(p, size));
}
void free(void* p) {
  Uncount(p);
  __libc_free(p);
}
void* memalign(size_t align, size_t size) {
  return Counted(__libc_memalign(align, size));
}
void* aligned_alloc(size_t align, size_t size) { return memalign(align, size); }
int posix_memalign(void** out, size_t align, size_t size) {
  *out = memalign(align, size);
  return *out == nullptr ? ENOMEM : 0;
}
}

namespace imgbatch {
namespace {

struct Use {
  int64_t cost = 0;  // Bytes that Cost itself took.
  int64_t promised = 0;
  int64_t taken = 0;
};

Use Measure(const ImageCodec& codec, const SampleFile& file, Effort effort) {
  Use use;
  int64_t before = current;
  peak = before;
  const auto cost = codec.Cost(file.source());
  use.cost = peak - before;
  use.promised = cost ? static_cast<int64_t>(cost->memory) : -1;
  Recipe recipe;
  recipe.effort = effort;
  before = current;
  peak = before;
  const auto result = codec.Convert(file.source(), recipe);
  use.taken = peak - before;
  EXPECT_TRUE(result.has_value()) << file.name;
  return use;
}

void HoldAll(uint32_t width, uint32_t height, Effort effort) {
  const ImageCodec codec{CodecLimits{}};
  // Tables that are made once belong to no picture.
  for (const SampleFile& file : MakeSampleFiles(9, 9)) {
    Measure(codec, file, effort);
  }
  for (const SampleFile& file : MakeSampleFiles(width, height)) {
    const Use use = Measure(codec, file, effort);
    EXPECT_LE(use.taken, use.promised) << file.name;
    EXPECT_LT(use.cost, 1 << 20) << file.name;
    if (std::getenv("IMGBATCH_SHOW") == nullptr) continue;
    const double pixels = 1.0 * width * height;
    std::printf(
        "%-22s source %5.2f promised %6.2f taken %6.2f B/px, %3.0f %%\n",
        file.name.c_str(), file.bytes.size() / pixels, use.promised / pixels,
        use.taken / pixels, 100.0 * use.taken / use.promised);
  }
}

TEST(Memory, SmallPicturesStayUnderTheirCost) {
  HoldAll(30, 20, Effort::kFast);
  HoldAll(30, 20, Effort::kMax);
}

TEST(Memory, LargePicturesStayUnderTheirCost) {
  HoldAll(800, 500, Effort::kFast);
}

TEST(Memory, NarrowPicturesStayUnderTheirCost) {
  HoldAll(6000, 12, Effort::kBalanced);
  HoldAll(12, 6000, Effort::kBalanced);
}

}  // namespace
}  // namespace imgbatch
