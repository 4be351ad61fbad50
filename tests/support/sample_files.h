// One small file of each kind that is read, for tests that must hold for all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/codec.h"

namespace imgbatch {

struct SampleFile {
  std::string name;  // As in a URL; its ending says the format.
  std::vector<uint8_t> bytes;
  SourceImage source() const { return {bytes, name}; }
};

// About 60 files of `width` x `height` pixels.
std::vector<SampleFile> MakeSampleFiles(uint32_t width, uint32_t height);

}  // namespace imgbatch
