// What the test origin answers: a request becomes a list of steps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/support/origin.h"

namespace imgbatch::testing {

using Bytes = std::shared_ptr<const std::string>;

struct Step {
  enum class Kind : uint8_t {
    kSend,   // `count` bytes of `bytes`, again and again when there are fewer.
    kWait,   // `count` milliseconds.
    kHang,   // Nothing more, but the connection stays open.
    kClose,  // An orderly end.
    kReset,  // A TCP reset.
  };
  Kind kind = Kind::kSend;
  Bytes bytes;
  uint64_t count = 0;
};

struct Play {
  int status = 0;
  std::vector<Step> steps;
};

class Plays {
 public:
  explicit Plays(std::string directory) : directory_(std::move(directory)) {}

  Play For(const OriginRequest& request);

 private:
  struct File {
    Bytes bytes;
    std::string type;
    std::string etag;
    std::string last_modified;
  };
  struct Parameters;

  // Null when there is none.
  const File* Load(std::string_view path);
  File Image(const Parameters& parameters);
  Play ServeFile(const OriginRequest& request, const File& file);

  std::string directory_;
  std::unordered_map<std::string, File> files_;  // By path; kept for speed.
  std::unordered_map<std::string, int> counts_;  // Requests by target.
};

}  // namespace imgbatch::testing
