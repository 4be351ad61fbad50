// The ImagePool in a folder: `<pool>/ab/<key>`, where ab are the key's first
// two digits.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/image_pool.h"
#include "store/posix.h"

namespace imgbatch {

// Makes the entries of one directory durable; threads that ask at the same
// time share one fsync. Thread-safe.
class DirectorySync {
 public:
  explicit DirectorySync(std::string path) : path_(std::move(path)) {}
  // Whatever was in the directory before the call is durable when it
  // succeeds. After one failure it fails for ever.
  Result<void> Await();

 private:
  std::string path_;
  std::mutex mutex_;
  std::condition_variable finished_;
  uint64_t asked_ = 0;           // Guarded by mutex_, as all below.
  uint64_t synced_ = 0;          // Askers up to this one are served.
  bool running_ = false;         // Somebody is in fsync.
  std::optional<Error> broken_;  // What the first failure said.
};

class LocalPool final : public ImagePool {
 public:
  // Makes the folder when it is missing.
  static Result<std::unique_ptr<LocalPool>> Create(const std::string& folder);

  Result<PoolKey> Put(std::span<const uint8_t> bytes,
                      std::string_view extension) override;
  Result<void> Publish(const PoolKey& key, const std::string& path) override;
  Result<Body> Open(const PoolKey& key) override;
  Result<bool> Contains(const PoolKey& key, uint64_t size) override;
  Result<void> Remove(const PoolKey& key) override;

 private:
  // One of the 256, made when it is first needed.
  struct Directory {
    explicit Directory(std::string path) : sync(std::move(path)) {}
    std::mutex mutex;
    bool is_made = false;  // Guarded by mutex: it is there, and durably so.
    DirectorySync sync;
  };

  explicit LocalPool(std::string folder);
  std::string PathOf(const PoolKey& key) const;
  Result<void> Make(Directory& directory, const std::string& path);

  std::string folder_;
  DirectorySync sync_;
  std::array<std::unique_ptr<Directory>, 256> directories_;
};

}  // namespace imgbatch
