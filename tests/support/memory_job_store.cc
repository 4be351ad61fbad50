#include "tests/support/memory_job_store.h"

#include <algorithm>

namespace imgbatch {
namespace {

using Batch = MemoryDatabase::Batch;
using Image = MemoryDatabase::Image;

constexpr int64_t kMaxDelayMs = 20 * 60 * 1000;
constexpr int kMaxSuspects = 3;

Error NoSuchBatch() { return {ErrorCode::kNotFound, "no such batch"}; }

ImageKey KeyOf(const Batch& batch, int64_t n) {
  return static_cast<ImageKey>(static_cast<int64_t>(batch.view.key) << 32 | n);
}
BatchKey BatchOf(ImageKey image) {
  return static_cast<BatchKey>(static_cast<int64_t>(image) >> 32);
}
int64_t NumberOf(ImageKey image) {
  return static_cast<int64_t>(image) & 0xFFFFFFFF;
}

// An image becomes claimable, or ceases to be.
void Offer(Batch& batch, const Image& image, int64_t n) {
  MemoryDatabase::Host& host = batch.hosts[image.host];
  if (image.due == 0) {
    host.fresh.insert(n);
  } else {
    host.waiting.emplace(image.due, n);
    ++batch.view.tally.waiting;
  }
}
void Withdraw(Batch& batch, const Image& image, int64_t n) {
  const auto host = batch.hosts.find(image.host);
  if (image.due == 0) {
    host->second.fresh.erase(n);
  } else {
    host->second.waiting.erase({image.due, n});
    --batch.view.tally.waiting;
  }
  if (host->second.empty()) batch.hosts.erase(host);
}

void Fail(Batch& batch, Image& image, Failure failure) {
  image.state = ImageState::kFailed;
  image.claim = 0;
  image.due = 0;
  image.failure = std::move(failure);
  ++batch.view.tally.failed;
}

void Release(Batch& batch, Image& image, int64_t n) {
  image.claim = 0;
  --batch.view.tally.running;
  Offer(batch, image, n);
}

std::optional<EndedBatch> EndWhenSettled(MemoryDatabase& database, Batch& batch,
                                         WallTime now) {
  BatchView& view = batch.view;
  if (HasEnded(view.state) || !view.sealed || view.tally.pending() > 0) {
    return std::nullopt;
  }
  view.state = view.tally.failed > 0 ? BatchState::kCompletedWithErrors
                                     : BatchState::kCompleted;
  view.finished_at = view.updated_at = now;
  if (!batch.made.webhook_url.empty()) {
    database.outbox.emplace(static_cast<int64_t>(view.key), view.round);
  }
  return EndedBatch{view.key, view.state};
}

// The next image of the host that may be taken, 0: none.
int64_t NextOf(const MemoryDatabase::Host& host, WallTime now) {
  if (!host.waiting.empty()) {
    if (host.waiting.begin()->first <= now) return host.waiting.begin()->second;
    // So far in the future that the clock must have jumped.
    const auto jumped = host.waiting.upper_bound(
        {std::max<WallTime>(now, 0) + kMaxDelayMs, INT64_MAX});
    if (jumped != host.waiting.end()) return jumped->second;
  }
  return host.fresh.empty() ? 0 : *host.fresh.begin();
}

}  // namespace

MemoryJobStore::MemoryJobStore(MemoryDatabase& database) : database_(database) {
  const std::lock_guard lock(database_.mutex);
  owner_ = ++database_.last_owner;
  database_.owners.insert(owner_);
}

MemoryJobStore::~MemoryJobStore() {
  const std::lock_guard lock(database_.mutex);
  database_.owners.erase(owner_);
  for (const auto& batch : database_.batches) {
    if (batch->view.tally.running == 0) continue;
    for (size_t i = 0; i < batch->images.size(); ++i) {
      if (batch->images[i].claim == owner_) {
        Release(*batch, batch->images[i], static_cast<int64_t>(i) + 1);
      }
    }
  }
}

MemoryDatabase::Batch* MemoryJobStore::Find(BatchKey batch) {
  const auto key = static_cast<size_t>(batch);
  return key >= 1 && key <= database_.batches.size()
             ? database_.batches[key - 1].get()
             : nullptr;
}

Result<BatchKey> MemoryJobStore::CreateBatch(const NewBatch& made,
                                             WallTime now) {
  const std::lock_guard lock(database_.mutex);
  for (const auto& batch : database_.batches) {
    if (batch->made.uuid == made.uuid) {
      return Error{ErrorCode::kUsage, "batch " + made.uuid + " exists already"};
    }
  }
  auto batch = std::make_unique<Batch>();
  batch->made = made;
  BatchView& view = batch->view;
  view.key = static_cast<BatchKey>(database_.batches.size() + 1);
  view.uuid = made.uuid;
  view.source = made.source;
  view.settings = made.settings;
  view.recipe = made.recipe;
  view.kept_input = made.kept_input;
  view.handed_to_serve = made.handed_to_serve;
  view.created_at = view.updated_at = now;
  database_.batches.push_back(std::move(batch));
  return database_.batches.back()->view.key;
}

Result<void> MemoryJobStore::Record(BatchKey key,
                                    std::span<const RowRecord> rows,
                                    WallTime now) {
  const std::lock_guard lock(database_.mutex);
  Batch* batch = Find(key);
  if (batch == nullptr) return NoSuchBatch();
  BatchView& view = batch->view;
  if (view.state == BatchState::kCancelled) {
    return Error{ErrorCode::kCancelled, "the batch was cancelled"};
  }
  if (view.sealed) {
    return Error{ErrorCode::kUsage, "the batch is recorded completely"};
  }
  for (const RowRecord& row : rows) {
    if (row.row <= view.rows) continue;
    view.rows = row.row;
    if (row.bad) {
      ++view.rows_invalid;
      batch->bad_rows.push_back(
          {row.row, row.bad->line, row.bad->byte_offset, row.bad->reason});
    }
    for (const CellRecord& cell : row.cells) AddCell(*batch, row.row, cell);
  }
  view.updated_at = now;
  return {};
}

void MemoryJobStore::AddCell(Batch& batch, int64_t row,
                             const CellRecord& cell) {
  const auto next = static_cast<int64_t>(batch.images.size()) + 1;
  const auto [number, is_new] = batch.numbers.try_emplace(cell.url, next);
  if (is_new) {
    Image image;
    image.url = cell.url;
    image.host = cell.host;
    batch.images.push_back(std::move(image));
    ++batch.view.tally.total;
    if (cell.invalid) {
      Fail(batch, batch.images.back(), *cell.invalid);
    } else {
      Offer(batch, batch.images.back(), next);
    }
  }
  std::string stem = cell.stem;
  if (!stem.empty() && batch.stems.contains(stem)) {
    int64_t suffix = batch.stems[stem];
    do {
      stem = cell.stem + "-" + std::to_string(suffix++);
    } while (batch.stems.contains(stem));
    batch.stems[cell.stem] = suffix;
  }
  if (!stem.empty()) batch.stems.try_emplace(stem, 2);
  batch.images[static_cast<size_t>(number->second) - 1].names.push_back(
      {row, cell.place, stem});
  batch.cells[{row, cell.place}] = {number->second, stem};
}

Result<std::optional<EndedBatch>> MemoryJobStore::Seal(BatchKey key,
                                                       int64_t rows,
                                                       WallTime now) {
  const std::lock_guard lock(database_.mutex);
  Batch* batch = Find(key);
  if (batch == nullptr) return NoSuchBatch();
  if (batch->view.state == BatchState::kCancelled) {
    return Error{ErrorCode::kCancelled, "the batch was cancelled"};
  }
  if (batch->view.sealed) return std::optional<EndedBatch>();
  batch->view.sealed = true;
  batch->view.rows = rows;
  batch->view.updated_at = now;
  return EndWhenSettled(database_, *batch, now);
}

Result<Exchanged> MemoryJobStore::Exchange(const ExchangeRequest& request) {
  const std::lock_guard lock(database_.mutex);
  Exchanged exchanged;
  std::set<BatchKey> touched;
  for (const HostFailure& failed : request.failed_hosts) {
    Batch* batch = Find(failed.batch);
    const auto host = batch->hosts.find(failed.host);
    if (host == batch->hosts.end()) continue;
    std::vector<int64_t> numbers(host->second.fresh.begin(),
                                 host->second.fresh.end());
    for (const auto& [due, n] : host->second.waiting) numbers.push_back(n);
    for (const int64_t n : numbers) {
      Image& image = batch->images[static_cast<size_t>(n) - 1];
      Withdraw(*batch, image, n);
      Fail(*batch, image, failed.failure);
    }
    touched.insert(failed.batch);
  }
  for (const Outcome& outcome : request.outcomes) {
    Apply(outcome, request.now);
    touched.insert(BatchOf(outcome.image));
  }
  for (const ContentLookup& lookup : request.lookups) {
    const Batch* batch = Find(lookup.batch);
    const auto known = database_.contents.find(
        {lookup.source_hash, batch->made.recipe_fingerprint});
    exchanged.known.push_back(known == database_.contents.end()
                                  ? std::nullopt
                                  : std::optional(known->second));
  }
  std::vector<Batch*> turns;
  for (const auto& batch : database_.batches) {
    const bool in_scope = request.scope.batch
                              ? *request.scope.batch == batch->view.key
                              : batch->view.handed_to_serve;
    if (in_scope && !HasEnded(batch->view.state)) turns.push_back(batch.get());
  }
  const std::vector<Batch*> scope = turns;
  const auto next =
      std::find_if(turns.begin(), turns.end(), [this](const Batch* batch) {
        return static_cast<int64_t>(batch->view.key) > database_.last_batch;
      });
  std::rotate(turns.begin(), next, turns.end());
  for (size_t at = 0;
       !turns.empty() &&
       exchanged.claims.size() < static_cast<size_t>(request.wanted);) {
    at %= turns.size();
    touched.insert(turns[at]->view.key);
    if (TakeOne(*turns[at], request, exchanged.claims)) {
      database_.last_batch = static_cast<int64_t>(turns[at++]->view.key);
    } else {
      turns.erase(turns.begin() + static_cast<ptrdiff_t>(at));
    }
  }
  for (const BatchKey key : touched) {
    if (Batch* batch = Find(key)) {
      if (auto end = EndWhenSettled(database_, *batch, request.now)) {
        exchanged.ended.push_back(*end);
      }
    }
  }
  for (const Batch* batch : scope) {
    for (const auto& [name, host] : batch->hosts) {
      const auto due = host.waiting.upper_bound({request.now, INT64_MAX});
      if (due == host.waiting.end() ||
          due->first > std::max<WallTime>(request.now, 0) + kMaxDelayMs) {
        continue;
      }
      exchanged.next_due =
          std::min(exchanged.next_due.value_or(INT64_MAX), due->first);
    }
  }
  return exchanged;
}

void MemoryJobStore::Apply(const Outcome& outcome, WallTime now) {
  Batch* batch = Find(BatchOf(outcome.image));
  const int64_t n = NumberOf(outcome.image);
  if (batch == nullptr || n < 1 ||
      static_cast<size_t>(n) > batch->images.size()) {
    return;
  }
  Image& image = batch->images[static_cast<size_t>(n) - 1];
  if (image.claim != owner_) return;
  Tally& tally = batch->view.tally;
  tally.bytes_downloaded += static_cast<int64_t>(outcome.downloaded);
  batch->view.updated_at = now;
  if (std::holds_alternative<ImageReleased>(outcome.what)) {
    return Release(*batch, image, n);
  }
  if (const auto* retry = std::get_if<ImageRetry>(&outcome.what)) {
    image.due = std::clamp<WallTime>(retry->due, 1,
                                     std::max<WallTime>(now, 1) + kMaxDelayMs);
    image.attempts = retry->attempts;
    image.waited_ms = retry->waited_ms;
    return Release(*batch, image, n);
  }
  --tally.running;
  if (const auto* failed = std::get_if<ImageFailed>(&outcome.what)) {
    image.attempts = failed->attempts;
    return Fail(*batch, image, failed->failure);
  }
  const ImageDone& done = std::get<ImageDone>(outcome.what);
  image.state = ImageState::kDone;
  image.claim = 0;
  image.due = 0;
  image.how = done.how;
  image.content = done.content;
  database_.contents[{done.source_hash, batch->made.recipe_fingerprint}] =
      done.content;
  if (done.etag.empty() && done.last_modified.empty()) {
    database_.sources.erase(image.url);
  } else {
    database_.sources[image.url] = {done.etag, done.last_modified,
                                    done.source_hash, done.source_bytes};
  }
  ++tally.done;
  tally.recompressed += done.how == DoneHow::kRecompressed;
  tally.kept_original += done.how == DoneHow::kKeptOriginal;
  tally.reused += done.how == DoneHow::kReused;
  tally.bytes_source += static_cast<int64_t>(done.source_bytes);
  tally.bytes_stored += static_cast<int64_t>(done.content.bytes);
}

bool MemoryJobStore::TakeOne(Batch& batch, const ExchangeRequest& request,
                             std::vector<Claim>& claims) {
  auto host = batch.hosts.upper_bound(batch.last_host);
  for (size_t seen = 0; seen < batch.hosts.size(); ++seen, ++host) {
    if (host == batch.hosts.end()) host = batch.hosts.begin();
    if (request.hosts != nullptr && request.hosts->Free(host->first) <= 0) {
      continue;
    }
    const int64_t n = NextOf(host->second, request.now);
    if (n == 0) continue;
    Image& image = batch.images[static_cast<size_t>(n) - 1];
    batch.last_host = host->first;
    Withdraw(batch, image, n);
    if (image.suspects >= kMaxSuspects) {
      Fail(batch, image,
           {FailureCode::kCrashed, 0,
            "decoding it ended the process " + std::to_string(image.suspects) +
                " times"});
      return TakeOne(batch, request, claims);
    }
    image.claim = owner_;
    ++batch.view.tally.running;
    if (batch.view.state == BatchState::kPending) {
      batch.view.state = BatchState::kProcessing;
    }
    batch.view.updated_at = request.now;
    claims.push_back(ClaimFor(batch, n));
    if (request.hosts != nullptr) request.hosts->Take(image.host);
    return true;
  }
  return false;
}

Claim MemoryJobStore::ClaimFor(const Batch& batch, int64_t n) const {
  const Image& image = batch.images[static_cast<size_t>(n) - 1];
  Claim claim{KeyOf(batch, n), batch.view.key,  n,
              image.url,       image.host,      image.attempts,
              image.suspects,  image.waited_ms, std::nullopt,
              image.names};
  if (claim.names.size() > kMaxNamesPerClaim) {
    claim.names.resize(kMaxNamesPerClaim);
  }
  const auto source = database_.sources.find(image.url);
  if (source != database_.sources.end()) {
    const auto content = database_.contents.find(
        {source->second.source_hash, batch.made.recipe_fingerprint});
    claim.known = KnownSource{
        source->second.etag, source->second.last_modified,
        source->second.source_hash, source->second.source_bytes,
        content == database_.contents.end() ? std::nullopt
                                            : std::optional(content->second)};
  }
  return claim;
}

Result<int64_t> MemoryJobStore::Retry(BatchKey key,
                                      std::optional<FailureCode> only,
                                      WallTime now) {
  const std::lock_guard lock(database_.mutex);
  Batch* batch = Find(key);
  if (batch == nullptr) return NoSuchBatch();
  BatchView& view = batch->view;
  if (!HasEnded(view.state) || view.state == BatchState::kCancelled) {
    return Error{ErrorCode::kUsage, "the batch has not ended by itself"};
  }
  int64_t count = 0;
  for (size_t i = 0; i < batch->images.size(); ++i) {
    Image& image = batch->images[i];
    if (image.state != ImageState::kFailed || image.host.empty()) continue;
    if (only && image.failure.code != *only) continue;
    image.state = ImageState::kPending;
    image.attempts = image.suspects = 0;
    image.waited_ms = 0;
    image.failure = {};
    --view.tally.failed;
    Offer(*batch, image, static_cast<int64_t>(i) + 1);
    ++count;
  }
  if (count > 0) {
    view.state = BatchState::kProcessing;
    ++view.round;
    view.finished_at = 0;
    view.updated_at = now;
  }
  return count;
}

Result<void> MemoryJobStore::NoteReported(BatchKey key, int round) {
  const std::lock_guard lock(database_.mutex);
  if (Batch* batch = Find(key)) batch->view.reported_round = round;
  return {};
}

Result<void> MemoryJobStore::Cancel(BatchKey key, WallTime now) {
  const std::lock_guard lock(database_.mutex);
  Batch* batch = Find(key);
  if (batch == nullptr) return NoSuchBatch();
  if (HasEnded(batch->view.state)) {
    return Error{ErrorCode::kUsage, "the batch has ended already"};
  }
  for (size_t i = 0; i < batch->images.size(); ++i) {
    if (batch->images[i].claim != 0) {
      Release(*batch, batch->images[i], static_cast<int64_t>(i) + 1);
    }
  }
  batch->view.state = BatchState::kCancelled;
  batch->view.finished_at = batch->view.updated_at = now;
  return {};
}

}  // namespace imgbatch
