// make_seeds DIRECTORY: one small image of each kind, for image_fuzz to begin
// with.
#include <filesystem>
#include <fstream>

#include "tests/support/sample_files.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  for (const auto& sample : imgbatch::MakeSampleFiles(24, 17)) {
    std::ofstream file(directory / sample.name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(sample.bytes.data()),
               static_cast<std::streamsize>(sample.bytes.size()));
  }
  return 0;
}
