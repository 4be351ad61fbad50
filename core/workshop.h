// The threads beside the conductor: workers burn CPU in decoders, writers wait
// for the disk. Neither decides what happens next; both answer by callback.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "core/codec.h"
#include "core/decode_journal.h"
#include "core/image_pool.h"
#include "core/job.h"
#include "core/memory_budget.h"
#include "core/queue.h"

namespace imgbatch {

struct ConvertJob {
  ImageKey image{};
  std::string name;  // Last path segment of the URL, for TGA.
  // Kept alive by the conductor until the answer; const access only.
  std::span<const uint8_t> source;
  Recipe recipe;
  bool alone = false;  // A suspect: nothing else may decode meanwhile.
  // Nullopt: dropped before it began.
  std::function<void(std::optional<Result<ConvertedImage, Failure>>)> done;
};

// Puts `image` into the pool when it is given, else uses `content`, which must
// be there; then publishes the paths.
struct KeepJob {
  std::optional<ConvertedImage> image;
  StoredContent content;
  std::vector<std::string> stems;  // Absolute paths without ".<extension>".
  // Put into the pool as well, unless empty; kept alive by the conductor.
  std::span<const uint8_t> original;
  std::function<void(Result<StoredContent>)> done;
};

// Reads something back from the pool.
struct LoadJob {
  PoolKey key;
  std::function<void(Result<Body>)> done;
};

class Workshop {
 public:
  // Everything borrowed must outlive the object. `memory` bounds what decoders
  // use together.
  Workshop(const Codec& codec, ImagePool& pool, DecodeJournal& journal,
           int workers, int writers, uint64_t memory);
  // Waits for the jobs under way.
  ~Workshop();

  void Convert(ConvertJob job) { converts_.Push(std::move(job)); }
  void Keep(KeepJob job) { disk_jobs_.Push(std::move(job)); }
  void Load(LoadJob job) { disk_jobs_.Push(std::move(job)); }

  // From now on conversions that have not begun answer nullopt.
  void DropWaiting() { dropping_ = true; }

 private:
  void RunWorker(int slot);
  void RunWriter();
  Result<ConvertedImage, Failure> ConvertOne(int slot, const ConvertJob& job);
  Result<StoredContent> KeepOne(KeepJob& job);

  const Codec& codec_;
  ImagePool& pool_;
  DecodeJournal& journal_;
  MemoryBudget memory_;
  std::atomic<bool> dropping_ = false;
  Queue<ConvertJob> converts_;
  Queue<std::variant<KeepJob, LoadJob>> disk_jobs_;
  std::vector<std::thread> threads_;
};

}  // namespace imgbatch
