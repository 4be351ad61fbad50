// An ImagePool in memory, for tests and for measuring what the disk costs.
// Publish() writes no file: it only remembers the name.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/image_pool.h"

namespace imgbatch {

class MemoryPool final : public ImagePool {
 public:
  Result<PoolKey> Put(std::span<const uint8_t> bytes,
                      std::string_view extension) override;
  Result<void> Publish(const PoolKey& key, const std::string& path) override;
  Result<Body> Open(const PoolKey& key) override;
  Result<bool> Contains(const PoolKey& key, uint64_t size) override;
  Result<void> Remove(const PoolKey& key) override;

  // The bytes that were published under the name; kNotFound.
  Result<std::vector<uint8_t>> Published(const std::string& path) const;

 private:
  mutable std::mutex mutex_;
  // Both guarded by mutex_.
  std::map<PoolKey, std::vector<uint8_t>> contents_;
  std::map<std::string, std::vector<uint8_t>> published_;
};

}  // namespace imgbatch
