// Pictures made by code: what tests decode and samples show. The same
// arguments give the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/pixels.h"

namespace imgbatch {

// --- Contents. RGB; the same seed gives the same picture. ---

// Like a product photo: soft light, a few round things, grain.
Pixels MakePhoto(uint32_t width, uint32_t height, uint32_t seed);
// Like a logo: flat colours and hard edges, fewer than 64 colours.
Pixels MakeDrawing(uint32_t width, uint32_t height, uint32_t seed);
// The same as RGBA: a soft hole in the middle, opaque corners.
Pixels WithAlpha(const Pixels& rgb);
// The same as grey (1 channel; 2 when there was alpha).
Pixels ToGrey(const Pixels& pixels);

// --- Files. ---

enum class PngKind : uint8_t {
  kGrey1,
  kGrey2,
  kGrey4,
  kGrey8,
  kGrey16,
  kGreyAlpha8,
  kGreyAlpha16,
  kRgb8,
  kRgb16,
  kRgba8,
  kRgba16,
  kPalette1,
  kPalette2,
  kPalette4,
  kPalette8,
  kPaletteAlpha8,
  kGreyKey8,
  kRgbKey8,  // One colour is transparent (tRNS).
};
inline constexpr int kPngKinds = 18;

struct PngOptions {
  bool interlaced = false;
  int level = 1;             // Of zlib; low, so that there is room below.
  std::vector<uint8_t> icc;  // Profile; empty: none.
  double gamma = 0;          // gAMA as 1/2.2; 0: none.
  std::string comment;       // tEXt; empty: none.
  int orientation = 0;       // eXIf; 0: none.
};
// `pixels` is RGB or RGBA; it is brought into the form of `kind`.
std::vector<uint8_t> MakePng(const Pixels& pixels, PngKind kind,
                             const PngOptions& options = {});
// APNG of `frames` equal-sized RGB or RGBA pictures.
std::vector<uint8_t> MakeAnimatedPng(const std::vector<Pixels>& frames);

struct WebpOptions {
  bool lossless = false;
  float quality = 90;
  std::vector<uint8_t> icc;
  std::vector<uint8_t> exif;
  std::string xmp;
};
std::vector<uint8_t> MakeWebp(const Pixels& pixels,
                              const WebpOptions& options = {});
std::vector<uint8_t> MakeAnimatedWebp(const std::vector<Pixels>& frames,
                                      bool lossless);

// RGB pictures with at most 256 colours each after rounding to 3-3-2 bits.
// Several frames make an animation.
std::vector<uint8_t> MakeGif(const std::vector<Pixels>& frames,
                             const std::string& comment = "");

enum class BmpKind : uint8_t { k1, k4, k8, k16, k24, k32, k32Alpha, kRle8 };
inline constexpr int kBmpKinds = 8;
std::vector<uint8_t> MakeBmp(const Pixels& pixels, BmpKind kind);

enum class TgaKind : uint8_t {
  kGrey,
  kRgb,
  kRgba,
  kRgbRle,
  kRgbaRle,
  kPalette
};
inline constexpr int kTgaKinds = 6;
std::vector<uint8_t> MakeTga(const Pixels& pixels, TgaKind kind);

// `kind` is '1' to '6'.
std::vector<uint8_t> MakePnm(const Pixels& pixels, char kind,
                             uint32_t maximum = 255);

struct PsdOptions {
  bool rle = true;
  int depth = 8;
  int mode = 3;  // 3: RGB.
};
std::vector<uint8_t> MakePsd(const Pixels& pixels,
                             const PsdOptions& options = {});

// A baseline JPEG, 4:2:0, of RGB or grey pixels.
std::vector<uint8_t> MakeJpeg(const Pixels& pixels, int quality,
                              bool progressive = false);

// 128 and some bytes that look like an ICC profile of `space` ("RGB ",
// "GRAY", "CMYK"); enough for all that only carry it.
std::vector<uint8_t> MakeProfile(const std::string& space);

}  // namespace imgbatch
