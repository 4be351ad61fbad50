#include "core/workshop.h"

#include <utility>

namespace imgbatch {

Workshop::Workshop(const Codec& codec, ImagePool& pool, DecodeJournal& journal,
                   int workers, int writers, uint64_t memory)
    : codec_(codec), pool_(pool), journal_(journal), memory_(memory) {
  for (int slot = 0; slot < workers; ++slot) {
    threads_.emplace_back([this, slot] { RunWorker(slot); });
  }
  for (int i = 0; i < writers; ++i) {
    threads_.emplace_back([this] { RunWriter(); });
  }
}

Workshop::~Workshop() {
  dropping_ = true;
  converts_.Close();
  disk_jobs_.Close();
  for (std::thread& thread : threads_) thread.join();
}

void Workshop::RunWorker(int slot) {
  while (auto job = converts_.Take()) {
    if (dropping_) {
      job->done(std::nullopt);
    } else {
      job->done(ConvertOne(slot, *job));
    }
  }
}

Result<ConvertedImage, Failure> Workshop::ConvertOne(int slot,
                                                     const ConvertJob& job) {
  const SourceImage source{job.source, job.name};
  // Reading a header is decoding too; waiting for memory is not.
  journal_.Enter(slot, job.image);
  const auto cost = codec_.Cost(source);
  journal_.Leave(slot);
  if (!cost) return cost.error();
  const uint64_t memory = job.alone ? memory_.total() : cost->memory;
  memory_.Acquire(memory);
  journal_.Enter(slot, job.image);
  auto converted = codec_.Convert(source, job.recipe);
  journal_.Leave(slot);
  memory_.Release(memory);
  return converted;
}

void Workshop::RunWriter() {
  while (auto job = disk_jobs_.Take()) {
    if (auto* load = std::get_if<LoadJob>(&*job)) {
      load->done(pool_.Open(load->key));
    } else {
      auto& keep = std::get<KeepJob>(*job);
      auto kept = KeepOne(keep);
      keep.done(std::move(kept));
    }
  }
}

Result<StoredContent> Workshop::KeepOne(KeepJob& job) {
  StoredContent content = job.content;
  if (!job.original.empty()) {
    auto original = pool_.Put(job.original, "original");
    if (!original) return original.error();
  }
  if (job.image) {
    content.format = job.image->format;
    content.bytes = job.image->bytes.size();
    content.width = job.image->width;
    content.height = job.image->height;
    auto key = pool_.Put(job.image->bytes, Extension(content.format));
    if (!key) return key.error();
    content.key = *std::move(key);
  } else {
    auto there = pool_.Contains(content.key, content.bytes);
    if (!there) return there.error();
    if (!*there) {
      return Error{ErrorCode::kNotFound,
                   content.key + " is no longer in the pool"};
    }
  }
  for (const std::string& stem : job.stems) {
    auto published = pool_.Publish(
        content.key, stem + "." + std::string(Extension(content.format)));
    if (!published) {
      return Error{ErrorCode::kOutput, published.error().message};
    }
  }
  return content;
}

}  // namespace imgbatch
