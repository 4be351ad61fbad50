#include "core/hash.h"

#include <openssl/evp.h>

#include "core/result.h"

namespace imgbatch {
namespace {

// Fetching an algorithm is slow in OpenSSL 3.0, so it is done once.
const EVP_MD* Algorithm() {
  static const EVP_MD* const kAlgorithm =
      EVP_MD_fetch(nullptr, "SHA256", nullptr);
  IMGBATCH_ASSERT(kAlgorithm != nullptr);
  return kAlgorithm;
}

}  // namespace

struct Hasher::Context {
  Context() : md(EVP_MD_CTX_new()) { IMGBATCH_ASSERT(md != nullptr); }
  ~Context() { EVP_MD_CTX_free(md); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* md;
};

Hasher::Hasher() : context_(std::make_unique<Context>()) {
  IMGBATCH_ASSERT(EVP_DigestInit_ex(context_->md, Algorithm(), nullptr) == 1);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::Update(std::span<const uint8_t> bytes) {
  IMGBATCH_ASSERT(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()) ==
                  1);
}

Sha256 Hasher::Finish() {
  Sha256 hash;
  unsigned int size = 0;
  IMGBATCH_ASSERT(EVP_DigestFinal_ex(context_->md, hash.data(), &size) == 1);
  IMGBATCH_ASSERT(size == hash.size());
  return hash;
}

Sha256 HashOf(std::span<const uint8_t> bytes) {
  Hasher hasher;
  hasher.Update(bytes);
  return hasher.Finish();
}

Sha256 HashOf(std::string_view text) {
  return HashOf(
      std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

std::string ToHex(const Sha256& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * hash.size());
  for (const uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace imgbatch
