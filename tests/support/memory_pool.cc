#include "tests/support/memory_pool.h"

#include "core/hash.h"

namespace imgbatch {
namespace {

Error NotThere(const std::string& what) {
  return {ErrorCode::kNotFound, "the pool has no " + what};
}

}  // namespace

Result<PoolKey> MemoryPool::Put(std::span<const uint8_t> bytes,
                                std::string_view extension) {
  PoolKey key = ToHex(HashOf(bytes)) + "." + std::string(extension);
  const std::lock_guard lock(mutex_);
  contents_.try_emplace(key, bytes.begin(), bytes.end());
  return key;
}

Result<void> MemoryPool::Publish(const PoolKey& key, const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = contents_.find(key);
  if (found == contents_.end()) return NotThere(key);
  published_[path] = found->second;
  return {};
}

Result<Body> MemoryPool::Open(const PoolKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = contents_.find(key);
  if (found == contents_.end()) return NotThere(key);
  return Body(found->second);
}

Result<bool> MemoryPool::Contains(const PoolKey& key, uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto found = contents_.find(key);
  return found != contents_.end() && found->second.size() == size;
}

Result<void> MemoryPool::Remove(const PoolKey& key) {
  const std::lock_guard lock(mutex_);
  contents_.erase(key);
  return {};
}

Result<std::vector<uint8_t>> MemoryPool::Published(
    const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = published_.find(path);
  if (found == published_.end()) return NotThere(path);
  return found->second;
}

}  // namespace imgbatch
