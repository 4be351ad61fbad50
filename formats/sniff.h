// The picture format of some bytes. The content decides, never a name or a
// Content-Type; only TGA, which has no signature, needs the name too.
#pragma once

#include "core/codec.h"

namespace imgbatch {

// Fails with kNotAnImage (and says what it is instead, "an HTML page, not an
// image"), with kUnsupportedFormat for picture formats without a decoder here,
// or with kCorruptImage when a signature is cut off.
Result<ImageFormat, Failure> Sniff(const SourceImage& source);

}  // namespace imgbatch
