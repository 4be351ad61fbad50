// Tokens in, entropy-coded bytes out: one sequential scan with the best
// Huffman tables for it. Own code, because libjpeg walks all 64 coefficients
// of every block twice for the same.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "formats/jpeg_huffman.h"
#include "formats/jpeg_tokens.h"

namespace imgbatch {

// Tables by token bits 6-7: luma DC, luma AC, chroma DC, chroma AC. A table
// without codes is not needed.
struct JpegScanTables {
  std::array<JpegHuffmanTable, 4> tables;
  uint64_t bits = 0;  // Of the scan under these tables, stuffing not counted.
};

// Rewrites tokens as symbols, in place, and finds the tables for them. False
// when a coefficient has more bits than a baseline file can hold.
bool PrepareScan(JpegTokens& tokens, JpegScanTables& tables);

// Appends the coded scan. `symbols` are those that PrepareScan left. `scratch`
// is any memory; it keeps what it grows to.
void EncodeScan(const JpegTokens& symbols, const JpegScanTables& tables,
                std::vector<uint8_t>& scratch, std::vector<uint8_t>& out);

// Appends bytes with a 0 after each 0xFF (T.81, B.1.1.5).
void AppendStuffed(std::span<const uint8_t> bytes, std::vector<uint8_t>& out);

}  // namespace imgbatch
