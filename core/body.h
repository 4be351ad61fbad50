// The bytes of a response: in memory, or in a mapped temporary file when there
// are many of them. Move-only; belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"

namespace imgbatch {

class Body {
 public:
  Body() = default;
  explicit Body(std::vector<uint8_t> bytes) : memory_(std::move(bytes)) {}
  // Maps `size` bytes of `file` (which is closed) for reading.
  static Result<Body> Map(int file, size_t size);

  Body(Body&& other) noexcept;
  Body& operator=(Body&& other) noexcept;
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body();

  // Valid until this body is moved from or destroyed.
  std::span<const uint8_t> bytes() const;
  size_t size() const { return bytes().size(); }
  // Bytes of anonymous memory held; a mapped file counts nothing.
  size_t memory() const { return memory_.capacity(); }

 private:
  std::vector<uint8_t> memory_;
  void* map_ = nullptr;
  size_t map_size_ = 0;
};

}  // namespace imgbatch
