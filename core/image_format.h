// The picture formats that imgbatch knows by content.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace imgbatch {

// Stored in the database: append only, never renumber.
enum class ImageFormat : uint8_t {
  kJpeg = 1,
  kPng = 2,
  kWebp = 3,
  kGif = 4,
  kBmp = 5,
  kTga = 6,
  kPnm = 7,
  kPsd = 8,
  kAvif = 9,
};

// "jpeg", "png" … as shown to people and in JSON.
std::string_view Name(ImageFormat format);
// "jpg", "png" … without the dot, as used in file names.
std::string_view Extension(ImageFormat format);
// "image/jpeg" …
std::string_view MimeType(ImageFormat format);

}  // namespace imgbatch
