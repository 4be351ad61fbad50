#include "tests/support/make_jpeg.h"

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

namespace imgbatch::testing {
namespace {

struct Trap {
  jpeg_error_mgr manager;
  jmp_buf jump;
};

[[noreturn]] void Fail(j_common_ptr info) {
  longjmp(reinterpret_cast<Trap*>(info->err)->jump, 1);
}

jpeg_error_mgr* SetTrap(Trap& trap) {
  jpeg_std_error(&trap.manager);
  trap.manager.error_exit = Fail;
  trap.manager.emit_message = [](j_common_ptr info, int level) {
    if (level < 0) Fail(info);
  };
  return &trap.manager;
}

int Components(TestColor color) {
  switch (color) {
    case TestColor::kGrey:
      return 1;
    case TestColor::kYcc:
    case TestColor::kRgb:
      return 3;
    default:
      return 4;
  }
}

J_COLOR_SPACE SpaceOf(TestColor color) {
  switch (color) {
    case TestColor::kGrey:
      return JCS_GRAYSCALE;
    case TestColor::kYcc:
      return JCS_YCbCr;
    case TestColor::kRgb:
      return JCS_RGB;
    case TestColor::kCmyk:
      return JCS_CMYK;
    default:
      return JCS_YCCK;
  }
}

// Runs `body` with a decoder on `file`; false when libjpeg fails or warns.
template <typename Body>
bool Decompress(std::span<const uint8_t> file, const Body& body) {
  jpeg_decompress_struct info{};
  Trap trap{};
  if (setjmp(trap.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  info.err = SetTrap(trap);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), file.size());
  jpeg_read_header(&info, TRUE);
  body(info);
  jpeg_destroy_decompress(&info);
  return true;
}

}  // namespace

std::string Describe(const JpegRecipe& recipe) {
  static constexpr const char* kColors[] = {"grey", "ycc", "rgb", "cmyk",
                                            "ycck"};
  std::string text = kColors[static_cast<int>(recipe.color)];
  text += " " + std::to_string(recipe.width) + "x" +
          std::to_string(recipe.height) + " q" +
          std::to_string(recipe.quality) + " " + std::to_string(recipe.h) +
          "x" + std::to_string(recipe.v);
  if (recipe.progressive) text += " progressive";
  if (recipe.arithmetic) text += " arithmetic";
  if (recipe.optimize) text += " optimized";
  if (recipe.separate_scans) text += " separate";
  if (recipe.restart_interval) {
    text += " restart " + std::to_string(recipe.restart_interval);
  }
  return text + " seed " + std::to_string(recipe.seed);
}

Pixels MakePixels(int width, int height, int channels, uint32_t seed,
                  int noise) {
  Pixels pixels;
  pixels.width = static_cast<uint32_t>(width);
  pixels.height = static_cast<uint32_t>(height);
  pixels.channels = channels;
  uint32_t state = seed * 2654435761u + 12345;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        state = state * 1664525u + 1013904223u;
        const double wave =
            110 + 70 * std::sin((x + 3 * c) / (9.0 + seed % 7)) +
            50 * std::cos(y / (7.0 + c)) + ((x / 16 + y / 16) % 2 ? 25 : 0);
        const int value = static_cast<int>(wave) +
                          static_cast<int>(state >> 16) % (2 * noise + 1) -
                          noise;
        pixels.data.push_back(static_cast<uint8_t>(std::clamp(value, 0, 255)));
      }
    }
  }
  return pixels;
}

std::vector<uint8_t> MakeJpeg(const JpegRecipe& recipe) {
  const int components = Components(recipe.color);
  const Pixels pixels = MakePixels(recipe.width, recipe.height, components,
                                   recipe.seed, recipe.noise);
  jpeg_compress_struct info{};
  Trap trap{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  info.err = SetTrap(trap);
  trap.manager.error_exit = [](j_common_ptr) { std::abort(); };
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(recipe.width);
  info.image_height = static_cast<JDIMENSION>(recipe.height);
  info.input_components = components;
  info.in_color_space = SpaceOf(recipe.color);
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, SpaceOf(recipe.color));
  jpeg_set_quality(&info, recipe.quality, TRUE);
  if (!recipe.jfif) info.write_JFIF_header = FALSE;
  info.comp_info[0].h_samp_factor = recipe.h;
  info.comp_info[0].v_samp_factor = recipe.v;
  if (components == 4) {
    info.comp_info[3].h_samp_factor = recipe.h;
    info.comp_info[3].v_samp_factor = recipe.v;
  }
  info.optimize_coding = recipe.optimize ? TRUE : FALSE;
  info.arith_code = recipe.arithmetic ? TRUE : FALSE;
  info.restart_interval = static_cast<unsigned>(recipe.restart_interval);
  std::vector<jpeg_scan_info> scans;
  if (recipe.progressive) jpeg_simple_progression(&info);
  if (recipe.separate_scans) {
    for (int i = 0; i < components; ++i) {
      scans.push_back({1, {i, 0, 0, 0}, 0, 63, 0, 0});
    }
    info.scan_info = scans.data();
    info.num_scans = components;
  }
  jpeg_start_compress(&info, TRUE);
  const size_t stride = static_cast<size_t>(recipe.width * components);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row =
        const_cast<JSAMPROW>(pixels.data.data() + stride * info.next_scanline);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::vector<uint8_t> file(buffer, buffer + size);
  std::free(buffer);
  return file;
}

std::vector<uint8_t> WithSegment(std::span<const uint8_t> file, uint8_t marker,
                                 std::span<const uint8_t> payload) {
  size_t at = 2;
  if (file[2] == 0xFF && file[3] == 0xE0) at += 2 + file[4] * 256u + file[5];
  std::vector<uint8_t> out(file.begin(), file.begin() + at);
  const size_t length = payload.size() + 2;
  out.insert(out.end(), {0xFF, marker, static_cast<uint8_t>(length >> 8),
                         static_cast<uint8_t>(length)});
  out.insert(out.end(), payload.begin(), payload.end());
  out.insert(out.end(), file.begin() + at, file.end());
  return out;
}

std::vector<uint8_t> ExifPayload(int orientation, bool little_endian) {
  std::vector<uint8_t> out = {'E', 'x', 'i', 'f', 0, 0};
  const auto number = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (little_endian ? i : size - 1 - i);
      out.push_back(static_cast<uint8_t>(value >> shift));
    }
  };
  out.insert(out.end(), 2, little_endian ? 'I' : 'M');
  number(42, 2);
  number(8, 4);
  number(2, 2);  // Two entries: Make and Orientation.
  number(0x010F, 2), number(2, 2), number(4, 4);
  out.insert(out.end(), {'c', 'a', 'm', 0});
  number(0x0112, 2), number(3, 2), number(1, 4);
  number(static_cast<uint32_t>(orientation), 2), number(0, 2);
  number(0, 4);
  out.insert(out.end(), 500, 0x55);  // Stands for a thumbnail.
  return out;
}

std::optional<Pixels> DecodeSamples(std::span<const uint8_t> file) {
  Pixels pixels;
  const bool ok = Decompress(file, [&](jpeg_decompress_struct& info) {
    info.out_color_space = info.jpeg_color_space;
    info.do_fancy_upsampling = FALSE;
    jpeg_start_decompress(&info);
    pixels.width = info.output_width;
    pixels.height = info.output_height;
    pixels.channels = info.output_components;
    const size_t stride = size_t{pixels.width} * pixels.channels;
    pixels.data.resize(stride * pixels.height);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = pixels.data.data() + stride * info.output_scanline;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  });
  if (!ok) return std::nullopt;
  return pixels;
}

std::optional<Coefficients> DecodeCoefficients(std::span<const uint8_t> file) {
  Coefficients out;
  const bool ok = Decompress(file, [&](jpeg_decompress_struct& info) {
    jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
    for (int i = 0; i < info.num_components; ++i) {
      const jpeg_component_info& component = info.comp_info[i];
      std::vector<int32_t>& values = out.values.emplace_back();
      std::vector<int32_t>& steps = out.steps.emplace_back();
      for (JDIMENSION y = 0; y < component.height_in_blocks; ++y) {
        JBLOCKARRAY rows = info.mem->access_virt_barray(
            reinterpret_cast<j_common_ptr>(&info), arrays[i], y, 1, FALSE);
        for (JDIMENSION x = 0; x < component.width_in_blocks; ++x) {
          for (int k = 0; k < 64; ++k) {
            steps.push_back(component.quant_table->quantval[k]);
            values.push_back(rows[0][x][k] * steps.back());
          }
        }
      }
    }
  });
  if (!ok) return std::nullopt;
  return out;
}

double Psnr(const Pixels& a, const Pixels& b) {
  if (a.data.size() != b.data.size() || a.width != b.width) return 0;
  double sum = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    const double difference = double{1} * a.data[i] - b.data[i];
    sum += difference * difference;
  }
  if (sum == 0) return 99;
  return 10 *
         std::log10(255.0 * 255.0 * static_cast<double>(a.data.size()) / sum);
}

}  // namespace imgbatch::testing
