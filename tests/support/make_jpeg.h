// JPEG files and pixels for tests, made with libjpeg-turbo alone: an
// independent judge of what our own code reads and writes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/pixels.h"

namespace imgbatch::testing {

enum class TestColor { kGrey, kYcc, kRgb, kCmyk, kYcck };

struct JpegRecipe {
  int width = 83;  // Not whole units: padding is part of the test.
  int height = 61;
  int quality = 92;
  TestColor color = TestColor::kYcc;
  int h = 2, v = 2;  // Sampling of the first component.
  bool progressive = false;
  bool arithmetic = false;
  bool optimize = false;
  bool separate_scans = false;  // Sequential, a scan for each component.
  int restart_interval = 0;     // Units.
  bool jfif = true;
  uint32_t seed = 1;
  int noise = 12;  // Amplitude added to the smooth picture.
};

std::string Describe(const JpegRecipe& recipe);

std::vector<uint8_t> MakeJpeg(const JpegRecipe& recipe);

// `file` with one more marker segment after SOI (and after JFIF).
std::vector<uint8_t> WithSegment(std::span<const uint8_t> file, uint8_t marker,
                                 std::span<const uint8_t> payload);
// An EXIF payload with an orientation, a make and a thumbnail directory.
std::vector<uint8_t> ExifPayload(int orientation, bool little_endian);

// A smooth picture with noise, the same for equal arguments.
Pixels MakePixels(int width, int height, int channels, uint32_t seed,
                  int noise);

// Samples as libjpeg decodes them without any colour conversion, components
// interleaved; nullopt when it fails or warns.
std::optional<Pixels> DecodeSamples(std::span<const uint8_t> file);

// libjpeg's coefficients: blocks in the order of components, rows, columns,
// each multiplied by its step; the padding of the last units is left out.
struct Coefficients {
  std::vector<std::vector<int32_t>> values;
  std::vector<std::vector<int32_t>> steps;  // For each value.
};
std::optional<Coefficients> DecodeCoefficients(std::span<const uint8_t> file);

// Peak signal-to-noise ratio of two equally large pictures, in dB.
double Psnr(const Pixels& a, const Pixels& b);

}  // namespace imgbatch::testing
