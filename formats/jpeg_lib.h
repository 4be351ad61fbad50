// libjpeg-turbo, behind a fence: nothing of it, nor its longjmp, gets out of
// jpeg_lib.cc. It decodes what our own decoder leaves to it, and turns pixels
// into JPEG.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/failure.h"
#include "core/result.h"
#include "formats/jpeg_markers.h"
#include "formats/jpeg_quant.h"
#include "formats/limits.h"
#include "formats/pixels.h"

namespace imgbatch {

// The quantised coefficients of a whole picture. Move-only; one thread.
class JpegCoefficients {
 public:
  // Decodes every scan. Any warning of the library is kCorruptImage: damaged
  // data is never taken for a picture.
  static Result<JpegCoefficients, Failure> Read(std::span<const uint8_t> source,
                                                const CodecLimits& limits);
  JpegCoefficients(JpegCoefficients&&) noexcept;
  JpegCoefficients& operator=(JpegCoefficients&&) noexcept;
  ~JpegCoefficients();

  // 64 coefficients, row-major, of a block inside the padded grid of
  // BlockGrid.
  const int16_t* Block(int component, uint32_t row, uint32_t column) const;
  // The steps that the component was coded with, zigzag.
  JpegSteps Steps(int component) const;

 private:
  struct Decoder;
  explicit JpegCoefficients(std::unique_ptr<Decoder> decoder);
  std::unique_ptr<Decoder> decoder_;
};

// What Read allocates for such a picture, in bytes.
uint64_t CoefficientMemory(const JpegHeader& header);

// Grey or RGB pixels at `quality`, 4:2:0, optimal tables.
Result<std::vector<uint8_t>, Failure> CompressPixels(const Pixels& pixels,
                                                     int quality);

}  // namespace imgbatch
