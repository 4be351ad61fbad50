// The inside of a PNG file: from pixels to compressed rows.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/recipe.h"
#include "formats/png_pixels.h"

namespace imgbatch {

// A whole PNG file of `image` with `extra` chunks (whole ones) before the
// palette. nullopt when it would have more than `max_bytes`.
std::optional<std::vector<uint8_t>> WritePng(const PngImage& image,
                                             std::span<const Bytes> extra,
                                             Effort effort, size_t max_bytes);

}  // namespace imgbatch
