// Huffman codes of JPEG (ITU-T T.81, annexes C and K.2). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "formats/jpeg_markers.h"

namespace imgbatch {

// The code of each symbol; a length of 0 means the symbol has none.
struct JpegHuffmanCode {
  std::array<uint16_t, 256> code{};
  std::array<uint8_t, 256> length{};
};

// The table with the fewest bits for these counts among codes of at most 16
// bits that leave the code of all ones free.
JpegHuffmanTable OptimalTable(const std::array<uint32_t, 256>& counts);

// Gives each symbol of a table its code. False when the table is none: more
// codes of a length than there can be, the one of all ones not allowed.
bool AssignCodes(const JpegHuffmanTable& table, JpegHuffmanCode& code);

}  // namespace imgbatch
