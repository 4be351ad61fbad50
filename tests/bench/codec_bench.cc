// Converts every image of a directory, several times, on one thread, and
// prints one line of figures:
//
//   codec_bench DIR [--effort fast|balanced|max] [--quality N] [--repeat N]
//               [--output DIR] [--each]
//
// The bytes are in memory before the clock starts. With --output the results
// are written there under the names of their sources, untimed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "formats/image_codec.h"

namespace {

namespace fs = std::filesystem;

struct Source {
  fs::path path;
  std::string name;
  std::vector<uint8_t> bytes;
};

std::vector<uint8_t> Load(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

[[noreturn]] void Usage() {
  std::fprintf(stderr,
               "usage: codec_bench DIR [--effort E] [--quality N] [--repeat N] "
               "[--output DIR] [--each]\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) Usage();
  imgbatch::Recipe recipe;
  int repeat = 5;
  fs::path output;
  bool each = false;
  for (int i = 2; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--each") {
      each = true;
      continue;
    }
    if (i + 1 == argc) Usage();
    const std::string value = argv[++i];
    if (flag == "--effort") {
      recipe.effort = value == "max"        ? imgbatch::Effort::kMax
                      : value == "balanced" ? imgbatch::Effort::kBalanced
                                            : imgbatch::Effort::kFast;
    } else if (flag == "--quality") {
      recipe.quality = std::atoi(value.c_str());
    } else if (flag == "--repeat") {
      repeat = std::atoi(value.c_str());
    } else if (flag == "--output") {
      output = value;
    } else {
      Usage();
    }
  }
  std::vector<Source> sources;
  for (const auto& entry : fs::directory_iterator(argv[1])) {
    if (entry.is_regular_file()) {
      sources.push_back(
          {entry.path(), entry.path().filename(), Load(entry.path())});
    }
  }
  std::sort(sources.begin(), sources.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  const imgbatch::ImageCodec codec{imgbatch::CodecLimits{}};
  double best = 1e9;
  size_t bytes_in = 0, bytes_out = 0, kept = 0, failed = 0;
  double megapixels = 0;
  for (int round = 0; round < repeat; ++round) {
    bytes_in = bytes_out = kept = failed = 0;
    megapixels = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (const Source& source : sources) {
      const auto result = codec.Convert({source.bytes, source.name}, recipe);
      if (!result) {
        ++failed;
        if (round == 0) {
          std::fprintf(stderr, "%s: %s\n", source.path.c_str(),
                       result.error().message.c_str());
        }
        continue;
      }
      bytes_in += source.bytes.size();
      bytes_out += result->bytes.size();
      kept += result->how == imgbatch::DoneHow::kKeptOriginal;
      megapixels += 1e-6 * result->width * result->height;
    }
    best = std::min(best, std::chrono::duration<double>(
                              std::chrono::steady_clock::now() - begin)
                              .count());
  }
  for (const Source& source : sources) {
    if (!each && output.empty()) break;
    const auto result = codec.Convert({source.bytes, source.name}, recipe);
    if (!result) continue;
    if (each) {
      std::printf("%s %zu %zu\n", source.path.filename().c_str(),
                  source.bytes.size(), result->bytes.size());
    }
    if (output.empty()) continue;
    std::ofstream file(output / source.path.filename(), std::ios::binary);
    file.write(reinterpret_cast<const char*>(result->bytes.data()),
               static_cast<std::streamsize>(result->bytes.size()));
  }
  const double images = static_cast<double>(sources.size() - failed);
  std::printf(
      "images=%zu failed=%zu kept=%zu images_per_s=%.1f mb_per_s=%.1f "
      "mpx_per_s=%.1f bytes_in=%zu bytes_out=%zu\n",
      sources.size(), failed, kept, images / best,
      1e-6 * static_cast<double>(bytes_in) / best, megapixels / best, bytes_in,
      bytes_out);
}
