#include "core/body.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace imgbatch {

Result<Body> Body::Map(int file, size_t size) {
  Body body;
  if (size > 0) {
    void* map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    const int map_error = errno;
    close(file);
    if (map == MAP_FAILED) {
      return Error{ErrorCode::kIo,
                   std::string("cannot map a temporary file: ") +
                       std::strerror(map_error)};
    }
    body.map_ = map;
    body.map_size_ = size;
  } else {
    close(file);
  }
  return body;
}

Body::Body(Body&& other) noexcept
    : memory_(std::move(other.memory_)),
      map_(std::exchange(other.map_, nullptr)),
      map_size_(std::exchange(other.map_size_, 0)) {
  other.memory_.clear();
}

Body& Body::operator=(Body&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(map_, other.map_);
  std::swap(map_size_, other.map_size_);
  return *this;
}

Body::~Body() {
  if (map_ != nullptr) munmap(map_, map_size_);
}

std::span<const uint8_t> Body::bytes() const {
  if (map_ != nullptr) return {static_cast<const uint8_t*>(map_), map_size_};
  return memory_;
}

}  // namespace imgbatch
