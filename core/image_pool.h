// The pool port: results named by their content. Thread-safe; may block, so
// only writer threads and commands call it, never the conductor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/body.h"
#include "core/hash.h"
#include "core/result.h"

namespace imgbatch {

// "<64 hex digits of the SHA-256>.<extension>".
using PoolKey = std::string;

// The name of a source that is kept as it was downloaded.
inline PoolKey OriginalKey(const Sha256& source_hash) {
  return ToHex(source_hash) + ".original";
}

class ImagePool {
 public:
  virtual ~ImagePool() = default;

  // Stores the bytes under their content; durable, with their directory entry,
  // when it returns. Storing the same bytes again is cheap and gives the same
  // key. Fails with kNoSpace or kIo; nothing half-written is ever visible.
  virtual Result<PoolKey> Put(std::span<const uint8_t> bytes,
                              std::string_view extension) = 0;

  // Gives the content the name `path` as well: a hard link, or a copy where a
  // link cannot be (other file system, too many links). Replaces what was
  // there atomically. Not durable by itself; see SyncDirectory of the store.
  // Fails with kNotFound when the pool has no such key, kNoSpace or kIo.
  virtual Result<void> Publish(const PoolKey& key, const std::string& path) = 0;

  // The bytes, mapped. kNotFound when there are none.
  virtual Result<Body> Open(const PoolKey& key) = 0;

  // Whether the content is there with that size; a shorter file is damage.
  virtual Result<bool> Contains(const PoolKey& key, uint64_t size) = 0;

  // Forgets the content; published names keep theirs. No error when absent.
  virtual Result<void> Remove(const PoolKey& key) = 0;
};

}  // namespace imgbatch
