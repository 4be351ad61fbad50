#include "tests/support/sample_files.h"

#include <fmt/format.h>

#include "tests/support/make_images.h"

namespace imgbatch {

std::vector<SampleFile> MakeSampleFiles(uint32_t width, uint32_t height) {
  const Pixels photo = MakePhoto(width, height, 1);
  const Pixels alpha = WithAlpha(photo);
  const Pixels drawing = MakeDrawing(width, height, 2);
  const Pixels other = MakePhoto(width, height, 3);
  std::vector<SampleFile> files;
  const auto add = [&](std::string name, std::vector<uint8_t> bytes) {
    files.push_back({std::move(name), std::move(bytes)});
  };
  add("baseline.jpg", MakeJpeg(photo, 90));
  add("progressive.jpg", MakeJpeg(photo, 90, /*progressive=*/true));
  add("grey.jpg", MakeJpeg(ToGrey(photo), 90));
  for (int kind = 0; kind < kPngKinds; ++kind) {
    PngOptions options;
    options.interlaced = kind % 3 == 0;
    add(fmt::format("kind{}.png", kind),
        MakePng(alpha, static_cast<PngKind>(kind), options));
  }
  add("drawing.png", MakePng(drawing, PngKind::kRgb8));
  add("animated.png", MakeAnimatedPng({photo, other}));
  WebpOptions webp;
  add("lossy.webp", MakeWebp(photo, webp));
  add("lossy-alpha.webp", MakeWebp(alpha, webp));
  webp.icc = MakeProfile("RGB ");
  webp.xmp = "<x:xmpmeta/>";
  add("profile.webp", MakeWebp(photo, webp));
  webp = {};
  webp.lossless = true;
  add("lossless.webp", MakeWebp(drawing, webp));
  add("lossless-alpha.webp", MakeWebp(alpha, webp));
  add("animated.webp", MakeAnimatedWebp({photo, other}, false));
  add("animated-lossless.webp", MakeAnimatedWebp({alpha, alpha}, true));
  add("still.gif", MakeGif({photo}));
  add("animated.gif", MakeGif({photo, other}, "a comment"));
  for (int kind = 0; kind < kBmpKinds; ++kind) {
    add(fmt::format("kind{}.bmp", kind),
        MakeBmp(alpha, static_cast<BmpKind>(kind)));
  }
  for (int kind = 0; kind < kTgaKinds; ++kind) {
    add(fmt::format("kind{}.tga", kind),
        MakeTga(alpha, static_cast<TgaKind>(kind)));
  }
  for (char kind = '1'; kind <= '6'; ++kind) {
    add(fmt::format("kind{}.pnm", kind), MakePnm(photo, kind));
  }
  add("deep.pnm", MakePnm(photo, '6', 65535));
  add("rle.psd", MakePsd(photo));
  add("raw.psd", MakePsd(photo, {.rle = false, .depth = 8, .mode = 3}));
  add("deep.psd", MakePsd(photo, {.rle = false, .depth = 16, .mode = 3}));
  add("alpha.psd", MakePsd(alpha));
  return files;
}

}  // namespace imgbatch
