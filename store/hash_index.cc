#include "store/hash_index.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include <unistd.h>

namespace imgbatch {
namespace {

// One record of a run; 12 bytes in the file.
constexpr size_t kRecordBytes = 12;
constexpr size_t kBlockRecords = 4096 / kRecordBytes;
constexpr size_t kFilterBitsPerEntry = 10;  // About 1 % false positives.
constexpr int kFilterProbes = 6;

void SipRound(uint64_t (&v)[4]) {
  v[0] += v[1];
  v[1] = std::rotl(v[1], 13) ^ v[0];
  v[0] = std::rotl(v[0], 32);
  v[2] += v[3];
  v[3] = std::rotl(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = std::rotl(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = std::rotl(v[1], 17) ^ v[2];
  v[2] = std::rotl(v[2], 32);
}

// Where in the filter the i-th bit of a hash is.
size_t FilterBit(uint64_t hash, int i, size_t bits) {
  const uint64_t step = hash >> 33 | 1;
  return static_cast<size_t>((hash + static_cast<uint64_t>(i) * step) % bits);
}

// The used slots, entries of one hash in the order in which they came: from a
// gap on, since a probe may run over the end of the table.
std::vector<uint32_t> OldestFirst(const std::vector<uint32_t>& numbers) {
  std::vector<uint32_t> slots;
  size_t gap = 0;
  while (gap < numbers.size() && numbers[gap] != 0) ++gap;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t at = (gap + i) % numbers.size();
    if (numbers[at] != 0) slots.push_back(static_cast<uint32_t>(at));
  }
  return slots;
}

struct Record {
  uint64_t hash = 0;
  uint32_t number = 0;
};

Record ReadRecord(const uint8_t* bytes) {
  Record record;
  std::memcpy(&record.hash, bytes, sizeof record.hash);
  std::memcpy(&record.number, bytes + sizeof record.hash, sizeof record.number);
  return record;
}

}  // namespace

uint64_t KeyedHash(const HashKey& key, std::string_view bytes) {
  uint64_t v[4] = {
      key.first ^ 0x736F6D6570736575, key.second ^ 0x646F72616E646F6D,
      key.first ^ 0x6C7967656E657261, key.second ^ 0x7465646279746573};
  const auto absorb = [&v](uint64_t word) {
    v[3] ^= word;
    SipRound(v);
    SipRound(v);
    v[0] ^= word;
  };
  uint64_t last = static_cast<uint64_t>(bytes.size()) << 56;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    absorb(word);
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    last |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  absorb(last);
  v[2] ^= 0xFF;
  for (int i = 0; i < 4; ++i) SipRound(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

HashIndex::HashIndex(std::string folder, size_t max_in_memory)
    : folder_(std::move(folder)), max_in_memory_(max_in_memory) {}

Result<bool> HashIndex::Find(
    uint64_t hash, const std::function<bool(uint32_t)>& matches) const {
  if (!hashes_.empty()) {
    // Newest first: later entries of one hash lie further along the probe.
    std::vector<uint32_t> found;
    const size_t mask = hashes_.size() - 1;
    for (size_t at = hash & mask; numbers_[at] != 0; at = (at + 1) & mask) {
      if (hashes_[at] == hash) found.push_back(numbers_[at] - 1);
    }
    for (size_t i = found.size(); i-- > 0;) {
      if (matches(found[i])) return true;
    }
  }
  for (size_t i = runs_.size(); i-- > 0;) {
    const Result<bool> found = FindInRun(runs_[i], hash, matches);
    if (!found || *found) return found;
  }
  return false;
}

Result<void> HashIndex::Add(uint64_t hash, uint32_t number) {
  if (used_ >= max_in_memory_) {
    const Result<void> written = WriteRun();
    if (!written) return written;
  }
  if ((used_ + 1) * 4 > hashes_.size() * 3) {
    std::vector<uint64_t> old_hashes = std::exchange(hashes_, {});
    std::vector<uint32_t> old_numbers = std::exchange(numbers_, {});
    hashes_.resize(std::max<size_t>(1024, old_hashes.size() * 2));
    numbers_.resize(hashes_.size());
    used_ = 0;
    for (const uint32_t at : OldestFirst(old_numbers)) {
      const Result<void> added = Add(old_hashes[at], old_numbers[at] - 1);
      if (!added) return added;
    }
  }
  const size_t mask = hashes_.size() - 1;
  size_t at = hash & mask;
  while (numbers_[at] != 0) at = (at + 1) & mask;
  hashes_[at] = hash;
  numbers_[at] = number + 1;
  ++used_;
  return {};
}

Result<void> HashIndex::WriteRun() {
  if (!file_.is_open()) {
    Result<File> file = OpenUnnamed(folder_);
    if (!file) return file.error();
    file_ = *std::move(file);
  }
  Run run;
  run.begin = lseek(file_.descriptor(), 0, SEEK_CUR);
  run.count = used_;
  run.filter.resize(used_ * kFilterBitsPerEntry / 64 + 1);
  const size_t bits = run.filter.size() * 64;
  std::vector<uint32_t> order = OldestFirst(numbers_);
  std::stable_sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
    return hashes_[a] < hashes_[b];
  });
  std::vector<uint8_t> block;
  block.reserve(kBlockRecords * kRecordBytes);
  for (size_t i = 0; i < order.size(); ++i) {
    const uint64_t hash = hashes_[order[i]];
    const uint32_t number = numbers_[order[i]] - 1;
    for (int probe = 0; probe < kFilterProbes; ++probe) {
      const size_t bit = FilterBit(hash, probe, bits);
      run.filter[bit / 64] |= uint64_t{1} << bit % 64;
    }
    const size_t end = block.size();
    block.resize(end + kRecordBytes);
    std::memcpy(&block[end], &hash, sizeof hash);
    std::memcpy(&block[end + sizeof hash], &number, sizeof number);
    if (block.size() + kRecordBytes > block.capacity() ||
        i + 1 == order.size()) {
      const Result<void> written = WriteAll(file_, block, folder_);
      if (!written) return written;
      block.clear();
    }
  }
  runs_.push_back(std::move(run));
  std::fill(numbers_.begin(), numbers_.end(), 0);
  used_ = 0;
  return {};
}

Result<bool> HashIndex::FindInRun(
    const Run& run, uint64_t hash,
    const std::function<bool(uint32_t)>& matches) const {
  const size_t bits = run.filter.size() * 64;
  for (int probe = 0; probe < kFilterProbes; ++probe) {
    const size_t bit = FilterBit(hash, probe, bits);
    if ((run.filter[bit / 64] >> bit % 64 & 1) == 0) return false;
  }
  const auto read = [&](size_t index) -> Result<Record> {
    uint8_t bytes[kRecordBytes];
    const auto offset = run.begin + static_cast<int64_t>(index * kRecordBytes);
    if (pread(file_.descriptor(), bytes, sizeof bytes, offset) !=
        static_cast<ssize_t>(sizeof bytes)) {
      return FileError("cannot read a temporary file in", folder_, errno);
    }
    return ReadRecord(bytes);
  };
  size_t low = 0, high = run.count;  // The first entry that is not smaller.
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const Result<Record> record = read(middle);
    if (!record) return record.error();
    if (record->hash < hash) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  std::vector<uint32_t> found;
  for (; low < run.count; ++low) {
    const Result<Record> record = read(low);
    if (!record) return record.error();
    if (record->hash != hash) break;
    found.push_back(record->number);
  }
  for (size_t i = found.size(); i-- > 0;) {
    if (matches(found[i])) return true;
  }
  return false;
}

}  // namespace imgbatch
