// Our decoder against libjpeg-turbo: the same coefficients, or it declines.
#include "formats/jpeg_decode.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "formats/jpeg_lib.h"
#include "tests/support/make_jpeg.h"

namespace imgbatch {
namespace {

namespace fs = std::filesystem;
using testing::JpegRecipe;
using testing::MakeJpeg;
using testing::TestColor;

using Bytes = std::vector<uint8_t>;

const CodecLimits kLimits;

std::array<JpegSteps, 4> StepsOf(const JpegHeader& header) {
  std::array<JpegSteps, 4> steps{};
  for (int i = 0; i < header.components; ++i) {
    steps[i] = header.quant[header.component[i].quant].steps;
  }
  return steps;
}

enum class Verdict { kSame, kDeclined, kDifferent };

// Decodes both ways, requantising to `quality` (100: as it is).
Verdict Compare(const Bytes& file, int quality) {
  const auto header = ReadJpegHeader(file, kLimits);
  if (!header) return Verdict::kDeclined;
  const auto extent = MeasureJpeg(file, *header, kLimits);
  if (!extent || !IsPlainSequential(*header, *extent)) {
    return Verdict::kDeclined;
  }
  const auto requantizers = RequantizersOf(
      PlanSteps(*header, StepsOf(*header), {.quality = quality}));
  JpegScanDecoder decoder;
  JpegTokens ours, theirs;
  if (!decoder.Decode(file, *header, *extent, requantizers, ours)) {
    return Verdict::kDeclined;
  }
  const auto coefficients = JpegCoefficients::Read(file, kLimits);
  if (!coefficients) {
    ADD_FAILURE() << coefficients.error().message;
    return Verdict::kDifferent;
  }
  if (!TokensFromCoefficients(*header, *coefficients, requantizers, theirs)) {
    return Verdict::kDifferent;
  }
  return std::equal(ours.data(), ours.data() + ours.size(), theirs.data(),
                    theirs.data() + theirs.size())
             ? Verdict::kSame
             : Verdict::kDifferent;
}

std::vector<JpegRecipe> PlainKinds() {
  std::vector<JpegRecipe> kinds;
  uint32_t seed = 1;
  for (const int quality : {20, 60, 90, 97, 100}) {
    for (const int noise : {0, 3, 20, 120}) {
      for (const int restart : {0, 1, 5}) {
        for (const int sampling : {11, 21, 12, 22, 41}) {
          kinds.push_back({.quality = quality,
                           .h = sampling / 10,
                           .v = sampling % 10,
                           .optimize = seed % 2 == 0,
                           .restart_interval = restart,
                           .seed = seed++,
                           .noise = noise});
        }
        kinds.push_back({.quality = quality,
                         .color = TestColor::kGrey,
                         .h = 1,
                         .v = 1,
                         .restart_interval = restart,
                         .noise = noise});
        kinds.push_back({.quality = quality,
                         .color = TestColor::kYcck,
                         .restart_interval = restart,
                         .noise = noise});
      }
    }
  }
  return kinds;
}

TEST(JpegScanDecoder, FindsWhatLibjpegFinds) {
  for (const JpegRecipe& kind : PlainKinds()) {
    const Bytes file = MakeJpeg(kind);
    for (const int quality : {100, 50, 5}) {
      EXPECT_EQ(Compare(file, quality), Verdict::kSame)
          << testing::Describe(kind);
    }
  }
}

TEST(JpegScanDecoder, FindsTheSameInMutationsOrDeclines) {
  uint32_t state = 11;
  const auto random = [&state](size_t bound) {
    state = state * 1664525u + 1013904223u;
    return (state >> 5) % bound;
  };
  for (const JpegRecipe& kind : PlainKinds()) {
    const Bytes file = MakeJpeg(kind);
    for (int round = 0; round < 40; ++round) {
      Bytes mutant = file;
      for (size_t changes = 1 + random(3); changes > 0; --changes) {
        const size_t at = random(mutant.size());
        switch (random(4)) {
          case 0:
            mutant[at] ^= static_cast<uint8_t>(1u << random(8));
            break;
          case 1:
            mutant[at] = static_cast<uint8_t>(random(256));
            break;
          case 2:
            mutant.erase(mutant.begin() + static_cast<long>(at));
            break;
          default:
            mutant.insert(mutant.begin() + static_cast<long>(at),
                          static_cast<uint8_t>(random(256)));
        }
      }
      EXPECT_NE(Compare(mutant, 50), Verdict::kDifferent)
          << testing::Describe(kind) << " round " << round;
    }
  }
}

// Set IMGBATCH_PHOTOS to a directory to try real files as well.
TEST(JpegScanDecoder, FindsTheSameInRealPhotosAndTheirMutations) {
  const char* directory = std::getenv("IMGBATCH_PHOTOS");
  if (!directory) GTEST_SKIP() << "IMGBATCH_PHOTOS is not set";
  uint32_t state = 5;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.path().extension() != ".jpg") continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const Bytes file{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_NE(Compare(file, 50), Verdict::kDifferent) << entry.path();
    for (int round = 0; round < 20; ++round) {
      Bytes mutant = file;
      state = state * 1664525u + 1013904223u;
      mutant[(state >> 3) % mutant.size()] ^=
          static_cast<uint8_t>(1u << (state & 7));
      EXPECT_NE(Compare(mutant, 50), Verdict::kDifferent) << entry.path();
    }
  }
}

}  // namespace
}  // namespace imgbatch
