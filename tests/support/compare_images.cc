#include "tests/support/compare_images.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>

namespace imgbatch {
namespace {

std::array<double, 4> Premultiplied(const Pixels& pixels, size_t i) {
  const uint8_t* p = &pixels.data[i * pixels.channels];
  const bool grey = pixels.channels < 3;
  const double alpha =
      pixels.channels % 2 == 0 ? p[pixels.channels - 1] / 255.0 : 1.0;
  return {p[0] * alpha, p[grey ? 0 : 1] * alpha, p[grey ? 0 : 2] * alpha,
          255 * alpha};
}

}  // namespace

Pixels ReadPng(std::span<const uint8_t> bytes) {
  Pixels pixels;
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png)) == 0) {
    png_set_read_fn(png, &bytes, [](png_structp p, png_bytep to, size_t size) {
      auto& rest = *static_cast<std::span<const uint8_t>*>(png_get_io_ptr(p));
      if (size > rest.size()) png_error(p, "cut off");
      std::copy_n(rest.begin(), size, to);
      rest = rest.subspan(size);
    });
    png_set_filler(png, 0xFF, PNG_FILLER_AFTER);
    png_read_png(png, info,
                 PNG_TRANSFORM_EXPAND | PNG_TRANSFORM_SCALE_16 |
                     PNG_TRANSFORM_GRAY_TO_RGB,
                 nullptr);
    pixels.width = png_get_image_width(png, info);
    pixels.height = png_get_image_height(png, info);
    pixels.channels = png_get_channels(png, info);
    png_bytepp rows = png_get_rows(png, info);
    const size_t stride = png_get_rowbytes(png, info);
    for (uint32_t y = 0; y < pixels.height; ++y) {
      pixels.data.insert(pixels.data.end(), rows[y], rows[y] + stride);
    }
  }
  png_destroy_read_struct(&png, &info, nullptr);
  return pixels;
}

Pixels ReadWebp(std::span<const uint8_t> bytes) {
  Pixels pixels;
  int width = 0;
  int height = 0;
  uint8_t* data = WebPDecodeRGBA(bytes.data(), bytes.size(), &width, &height);
  if (data == nullptr) return pixels;
  pixels.width = static_cast<uint32_t>(width);
  pixels.height = static_cast<uint32_t>(height);
  pixels.channels = 4;
  pixels.data.assign(data, data + size_t{4} * pixels.width * pixels.height);
  WebPFree(data);
  return pixels;
}

Pixels ReadJpeg(std::span<const uint8_t> bytes) {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);  // Exits on errors; there are none.
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, bytes.data(), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  jpeg_start_decompress(&jpeg);
  Pixels pixels;
  pixels.width = jpeg.output_width;
  pixels.height = jpeg.output_height;
  pixels.channels = jpeg.output_components;
  const size_t stride = size_t{pixels.width} * pixels.channels;
  pixels.data.resize(stride * pixels.height);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = &pixels.data[jpeg.output_scanline * stride];
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_destroy_decompress(&jpeg);
  return pixels;
}

double Difference(const Pixels& a, const Pixels& b) {
  if (a.width != b.width || a.height != b.height || a.data.empty()) return 1e9;
  const size_t count = size_t{a.width} * a.height;
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto left = Premultiplied(a, i);
    const auto right = Premultiplied(b, i);
    for (int c = 0; c < 4; ++c) {
      sum += (left[c] - right[c]) * (left[c] - right[c]);
    }
  }
  return std::sqrt(sum / static_cast<double>(4 * count));
}

}  // namespace imgbatch
