#include "formats/png_pixels.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>

#include <png.h>

#include "formats/checks.h"

namespace imgbatch {
namespace {

// What libpng is shown: the parts that make pixels, nothing else. Trivially
// destructible, since libpng's errors jump.
struct Input {
  std::array<Bytes, 3> parts;
  size_t part = 0;
  size_t offset = 0;
  std::array<char, 80> message{};
};

void Read(png_structp png, png_bytep to, size_t count) {
  auto& input = *static_cast<Input*>(png_get_io_ptr(png));
  while (count > 0) {
    if (input.part == input.parts.size()) png_error(png, "end of data");
    const Bytes part = input.parts[input.part].subspan(input.offset);
    const size_t step = std::min(count, part.size());
    std::memcpy(to, part.data(), step);
    to += step;
    count -= step;
    input.offset += step;
    if (step == part.size()) {
      ++input.part;
      input.offset = 0;
    }
  }
}

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto& input = *static_cast<Input*>(png_get_error_ptr(png));
  std::strncpy(input.message.data(), message, input.message.size() - 1);
  png_longjmp(png, 1);
}
void OnWarning(png_structp, png_const_charp) {}

void AskForRgba8(png_structp png, const PngHeader& header) {
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  if (header.colour != PngColour::kRgba &&
      header.colour != PngColour::kGreyAlpha) {
    png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);  // Only where no tRNS is.
  }
}

// False after an error. Nothing here may have a destructor.
bool ReadRows(png_structp png, png_infop info, const PngHeader& header,
              PngForm form, uint8_t* rows, size_t stride) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_user_limits(png, header.width, header.height);
  png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
  png_read_info(png, info);
  if (form == PngForm::kRgba8) AskForRgba8(png, header);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != stride) png_error(png, "odd row size");
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t y = 0; y < header.height; ++y) {
      png_read_row(png, rows + y * stride, nullptr);
    }
  }
  png_read_end(png, nullptr);
  return true;
}

// Signature, IHDR, PLTE and tRNS.
std::vector<uint8_t> Prelude(const PngFile& file) {
  const PngHeader& header = file.header;
  std::vector<uint8_t> ihdr;
  AppendBe32(ihdr, header.width);
  AppendBe32(ihdr, header.height);
  ihdr.insert(ihdr.end(), {header.bit_depth, uint8_t(header.colour), 0, 0,
                           uint8_t(header.interlaced)});
  std::vector<uint8_t> out(kPngSignature, kPngSignature + 8);
  AppendPngChunk(out, "IHDR", ihdr);
  if (header.colour == PngColour::kPalette) {
    AppendPngChunk(out, "PLTE", file.palette);
  }
  const bool has_alpha = header.colour == PngColour::kGreyAlpha ||
                         header.colour == PngColour::kRgba;
  if (!file.transparency.empty() && !has_alpha) {
    AppendPngChunk(out, "tRNS", file.transparency);
  }
  return out;
}

}  // namespace

Result<PngImage, Failure> DecodePng(const PngFile& file, PngForm form) {
  PngImage image;
  image.header = file.header;
  image.header.interlaced = false;
  if (form == PngForm::kRgba8) {
    image.header.bit_depth = 8;
    image.header.colour = PngColour::kRgba;
  } else {
    image.palette.assign(file.palette.begin(), file.palette.end());
    image.transparency.assign(file.transparency.begin(),
                              file.transparency.end());
  }
  const size_t stride = image.header.row_bytes();
  image.rows.resize(stride * image.header.height);

  const std::vector<uint8_t> prelude = Prelude(file);
  std::vector<uint8_t> end;
  AppendPngChunk(end, "IEND", {});
  Input input;
  input.parts = {Bytes(prelude), file.idat, Bytes(end)};
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &input, OnError, OnWarning);
  IMGBATCH_ASSERT(png != nullptr);
  png_infop info = png_create_info_struct(png);
  IMGBATCH_ASSERT(info != nullptr);
  png_set_read_fn(png, &input, Read);
  const bool ok =
      ReadRows(png, info, file.header, form, image.rows.data(), stride);
  png_destroy_read_struct(&png, &info, nullptr);
  if (!ok) {
    return Corrupt(std::string("the pixels of the PNG are damaged: ") +
                   input.message.data());
  }
  return image;
}

}  // namespace imgbatch
