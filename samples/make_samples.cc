// make_samples DIRECTORY: draws the pictures that samples/products.csv names,
// a few of every format. The same bytes every time.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/make_images.h"

namespace imgbatch {
namespace {

struct Sample {
  const char* name;
  std::vector<uint8_t> bytes;
};

std::vector<Sample> MakeAll() {
  const Pixels small = MakePhoto(480, 360, 11);
  const Pixels drawing = MakeDrawing(600, 600, 21);
  WebpOptions lossless;
  lossless.lossless = true;
  return {
      {"boots-front.jpg", MakeJpeg(MakePhoto(1200, 900, 1), 92)},
      {"boots-side.jpg",
       MakeJpeg(MakePhoto(1200, 900, 2), 90, /*progressive=*/true)},
      {"boots-sole.jpg", MakeJpeg(MakePhoto(800, 600, 3), 40)},
      {"teapot.png", MakePng(drawing, PngKind::kRgb8)},
      {"teapot-lid.png",
       MakePng(MakeDrawing(400, 400, 22), PngKind::kPalette8)},
      {"lamp.webp", MakeWebp(MakePhoto(900, 1200, 4))},
      {"mug.png", MakePng(WithAlpha(drawing), PngKind::kRgba8)},
      {"mug-alpha.webp", MakeWebp(WithAlpha(small), lossless)},
      {"clock.gif",
       MakeGif({MakeDrawing(200, 200, 31), MakeDrawing(200, 200, 32),
                MakeDrawing(200, 200, 33)})},
      {"chair.bmp", MakeBmp(small, BmpKind::k24)},
      {"chair.tga", MakeTga(WithAlpha(small), TgaKind::kRgbaRle)},
      {"shelf.ppm", MakePnm(MakePhoto(480, 360, 12), '6')},
      {"shelf.psd", MakePsd(MakePhoto(480, 360, 13))},
      {"scarf-portrait.jpg", MakeJpeg(MakePhoto(900, 1200, 5), 95)},
      {"scarf-grey.jpg", MakeJpeg(ToGrey(MakePhoto(900, 1200, 6)), 85)},
  };
}

int Run(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  uint64_t total = 0;
  const std::vector<Sample> samples = MakeAll();
  for (const Sample& sample : samples) {
    const std::filesystem::path path = directory / sample.name;
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(sample.bytes.data()),
               static_cast<std::streamsize>(sample.bytes.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "make_samples: cannot write %s\n", path.c_str());
      return 1;
    }
    total += sample.bytes.size();
  }
  std::printf("%zu pictures, %.1f MB, in %s\n", samples.size(),
              static_cast<double>(total) / 1e6, directory.c_str());
  return 0;
}

}  // namespace
}  // namespace imgbatch

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_samples DIRECTORY\n", stderr);
    return 2;
  }
  return imgbatch::Run(argv[1]);
}
