#include "core/image_format.h"

#include <array>

namespace imgbatch {
namespace {

struct Row {
  ImageFormat format;
  std::string_view name;
  std::string_view extension;
  std::string_view mime_type;
};

constexpr std::array<Row, 9> kTable{{
    {ImageFormat::kJpeg, "jpeg", "jpg", "image/jpeg"},
    {ImageFormat::kPng, "png", "png", "image/png"},
    {ImageFormat::kWebp, "webp", "webp", "image/webp"},
    {ImageFormat::kGif, "gif", "gif", "image/gif"},
    {ImageFormat::kBmp, "bmp", "bmp", "image/bmp"},
    {ImageFormat::kTga, "tga", "tga", "image/x-tga"},
    {ImageFormat::kPnm, "pnm", "pnm", "image/x-portable-anymap"},
    {ImageFormat::kPsd, "psd", "psd", "image/vnd.adobe.photoshop"},
    {ImageFormat::kAvif, "avif", "avif", "image/avif"},
}};

const Row& Find(ImageFormat format) {
  return kTable.at(static_cast<size_t>(format) - 1);
}

}  // namespace

std::string_view Name(ImageFormat format) { return Find(format).name; }
std::string_view Extension(ImageFormat format) {
  return Find(format).extension;
}
std::string_view MimeType(ImageFormat format) { return Find(format).mime_type; }

}  // namespace imgbatch
