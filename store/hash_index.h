// A map from 64-bit hashes to numbers that grows to tens of millions of
// entries in little memory: what recording needs to recognise repeated URLs
// and names. Full tables go to a temporary file as sorted runs; a Bloom filter
// per run spares nearly every look into them. Not durable: it is made anew
// from the store's rows when it is missing. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "store/posix.h"

namespace imgbatch {

// SipHash-2-4 under a key: nobody can prepare names that collide.
struct HashKey {
  uint64_t first = 0;
  uint64_t second = 0;
};
uint64_t KeyedHash(const HashKey& key, std::string_view bytes);

class HashIndex {
 public:
  // `folder`: where the runs go (files without a name, gone with the object).
  // `max_in_memory`: entries before a run is written; 12 to 24 bytes each.
  explicit HashIndex(std::string folder, size_t max_in_memory = 700'000);

  // Calls `matches` with the numbers of the hash, newest first, until it
  // returns true; returns whether it did. Fails with kIo.
  Result<bool> Find(uint64_t hash,
                    const std::function<bool(uint32_t)>& matches) const;
  // Adds an entry beside those that the hash has. Fails with kIo or kNoSpace.
  Result<void> Add(uint64_t hash, uint32_t number);

 private:
  struct Run {
    int64_t begin = 0;  // Of its entries in the file.
    size_t count = 0;
    std::vector<uint64_t> filter;
  };
  Result<void> WriteRun();
  Result<bool> FindInRun(const Run& run, uint64_t hash,
                         const std::function<bool(uint32_t)>& matches) const;

  std::string folder_;
  size_t max_in_memory_;
  // Open addressing with linear probing; number 0 marks an empty slot, so
  // numbers are kept plus one.
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> numbers_;
  size_t used_ = 0;
  File file_;
  std::vector<Run> runs_;
};

}  // namespace imgbatch
