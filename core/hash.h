// SHA-256: names contents, never secrets.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace imgbatch {

using Sha256 = std::array<uint8_t, 32>;

// Feeds bytes as they arrive. One thread.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void Update(std::span<const uint8_t> bytes);
  // Ends the hash; the object can then only be destroyed or assigned to.
  Sha256 Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sha256 HashOf(std::span<const uint8_t> bytes);
Sha256 HashOf(std::string_view text);

// 64 lower-case hexadecimal digits.
std::string ToHex(const Sha256& hash);

}  // namespace imgbatch
