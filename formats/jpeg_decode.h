// Our own decoder for the common case: baseline or extended sequential Huffman
// coding, 8 bits, all components in one scan, with or without restart markers.
// It requantises while it decodes and leaves tokens, so that neither samples
// nor zero coefficients are ever touched. Whatever is unusual or damaged it
// declines; libjpeg-turbo then decides what the file is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "formats/jpeg_markers.h"
#include "formats/jpeg_requantize.h"
#include "formats/jpeg_tokens.h"

namespace imgbatch {

// Keeps its tables' and buffers' memory from picture to picture. One thread.
class JpegScanDecoder {
 public:
  JpegScanDecoder();
  ~JpegScanDecoder();

  // False when it declines; `tokens` then hold nothing of use. What it accepts
  // it decodes to the coefficients that libjpeg-turbo finds.
  bool Decode(std::span<const uint8_t> source, const JpegHeader& header,
              const JpegExtent& extent, const JpegRequantizers& requantizers,
              JpegTokens& tokens);

  // Gives back the memory of a big picture.
  void Trim(size_t keep);

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
  std::vector<uint8_t> scan_;  // Without stuffing and markers, padded.
  std::vector<size_t> parts_;  // Where each restart interval ends in scan_.
};

// True when header and extent allow Decode to try.
bool IsPlainSequential(const JpegHeader& header, const JpegExtent& extent);

}  // namespace imgbatch
