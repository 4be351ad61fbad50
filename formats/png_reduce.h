// The smallest PNG form that holds the same picture.
#pragma once

#include "formats/png_pixels.h"

namespace imgbatch {

struct PngFreedom {
  bool grey = true;     // May become grey (no RGB profile is in the way).
  bool palette = true;  // May get a palette (no grey profile is in the way).
};

// `image` is 8-bit RGBA. Drops opaque alpha and equal channels; makes a
// palette of up to 256 colours and few bits where that holds every pixel.
// Invisible pixels lose their colour, which nobody can see.
PngImage ReducePng(PngImage image, const PngFreedom& freedom);

// Whether an 8-bit RGBA picture has more than `count` (1..256) colours.
bool HasMoreColours(const PngImage& image, size_t count);

// 1, 2, 4 or 8: the bits of an index into so many colours.
uint8_t BitsFor(size_t colours);

// One byte a pixel -> header.bit_depth bits a pixel, for palettes and grey.
void PackRows(PngImage& image);

}  // namespace imgbatch
