// A small run without network and pictures, for tests that kill it or make
// its calls fail:
//   store_worker FOLDER [THREADS]
// Records the twelve images of FOLDER/input.csv in FOLDER/imgbatch.db, "makes"
// each of them (with one retry and one failure), publishes them in
// FOLDER/images and writes FOLDER/output.csv. Started again, it goes on.
// Exit status 0, or 10 plus the code of the error it prints.
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/uuid.h"
#include "store/atomic_file.h"
#include "store/kept_input.h"
#include "store/local_pool.h"
#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"

namespace imgbatch {
namespace {

constexpr WallTime kNow = 1'700'000'000'000;
constexpr int kImages = 12;

Result<BatchKey> BeginBatch(const StorePaths& paths, SqliteJobStore& store,
                            const std::string& input) {
  NewBatch made;
  made.uuid = NewUuid(kNow);
  const Result<KeptInput> kept = KeepFile(paths, made.uuid, input);
  if (!kept) return kept.error();
  made.source = input;
  made.recipe_fingerprint = "0123456789abcdef";
  made.kept_input = kept->relative;
  made.webhook_url = "http://hook/";
  return store.CreateBatch(made, kNow);
}

// Row r has two URLs; every third one repeats the first row's.
RowRecord MakeRow(int64_t row) {
  RowRecord record{row, {}, std::nullopt};
  for (int32_t place = 1; place <= 2; ++place) {
    CellRecord cell;
    cell.place = place;
    cell.host = "host" + std::to_string(row % 2);
    cell.url = "http://" + cell.host + "/" +
               std::to_string(row % 3 == 0 ? place : row * 10 + place);
    cell.stem = "shoe";
    record.cells.push_back(std::move(cell));
  }
  return record;
}

Result<void> RecordRows(SqliteJobStore& store, const BatchView& view) {
  if (view.sealed) return {};
  for (int64_t row = view.rows + 1; row <= kImages / 2; row += 2) {
    const std::vector<RowRecord> rows{MakeRow(row), MakeRow(row + 1)};
    const Result<void> recorded = store.Record(view.key, rows, kNow);
    if (!recorded) return recorded;
  }
  const auto sealed = store.Seal(view.key, kImages / 2, kNow);
  return sealed ? Result<void>() : sealed.error();
}

// What becomes of a claim: a picture from its URL, mostly.
Result<Outcome> Work(const Claim& claim, LocalPool& pool,
                     const std::string& images) {
  Outcome outcome;
  outcome.image = claim.image;
  outcome.downloaded = 100;
  if (claim.n == 2 && claim.attempts == 0) {
    outcome.what.emplace<ImageRetry>(
        ImageRetry{{FailureCode::kTimeout, 0, "too slow"}, 1, kNow, 0});
    return outcome;
  }
  if (claim.n == 3) {
    outcome.what.emplace<ImageFailed>(
        ImageFailed{{FailureCode::kHttpError, 404, "not found"}, 1});
    return outcome;
  }
  const std::string text = "picture of " + claim.url;
  const Result<PoolKey> key = pool.Put(
      {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, "jpg");
  if (!key) return key.error();
  for (const CellName& name : claim.names) {
    const Result<void> published =
        pool.Publish(*key, images + "/" + name.stem + ".jpg");
    if (!published) return published.error();
  }
  const Result<void> synced = SyncDirectory(images);
  if (!synced) return synced.error();
  ImageDone done;
  done.source_hash = HashOf(claim.url);
  done.source_bytes = 100;
  done.etag = "\"" + std::to_string(claim.n) + "\"";
  done.content = {*key, ImageFormat::kJpeg, text.size(), 10, 10};
  outcome.what.emplace<ImageDone>(std::move(done));
  return outcome;
}

Result<void> Drain(SqliteJobStore& store, BatchKey batch, LocalPool& pool,
                   const std::string& images, int threads) {
  std::vector<Outcome> outcomes;
  for (;;) {
    ExchangeRequest request;
    request.scope.batch = batch;
    request.outcomes = outcomes;
    request.wanted = 4;
    request.now = kNow;
    const Result<Exchanged> exchanged = store.Exchange(request);
    if (!exchanged) return exchanged.error();
    const std::vector<Claim>& claims = exchanged->claims;
    if (claims.empty()) return {};
    std::vector<Result<Outcome>> made(claims.size(), Error{});
    std::vector<std::thread> workers;
    const auto work = [&](size_t first) {
      for (size_t i = first; i < claims.size();
           i += static_cast<size_t>(threads)) {
        made[i] = Work(claims[i], pool, images);
      }
    };
    for (int i = 1; i < threads; ++i) {
      workers.emplace_back(work, static_cast<size_t>(i));
    }
    work(0);
    for (std::thread& worker : workers) worker.join();
    outcomes.clear();
    for (const Result<Outcome>& one : made) {
      if (!one) return one.error();
      outcomes.push_back(*one);
    }
  }
}

Result<void> Report(JobReader& reader, BatchKey batch,
                    const std::string& path) {
  Result<AtomicFile> file = AtomicFile::Create(path);
  if (!file) return file.error();
  const auto cells = reader.ReadCells(batch, {}, 1000, false);
  if (!cells) return cells.error();
  for (const CellView& cell : *cells) {
    const Result<void> written = file->Write(
        std::to_string(cell.row) + "," + std::to_string(cell.place) + "," +
        cell.url + "," + std::string(Name(cell.state)) + "," + cell.stem + "," +
        std::to_string(cell.attempts) + "," +
        (cell.content ? cell.content->key : "") + "\n");
    if (!written) return written;
  }
  return file->Commit();
}

Result<void> Run(const std::string& folder, int threads) {
  const StorePaths paths(folder + "/imgbatch.db");
  auto store = SqliteJobStore::Open(paths, kNow);
  if (!store) return store.error();
  auto reader = SqliteJobReader::Open(paths);
  if (!reader) return reader.error();
  auto pool = LocalPool::Create(paths.Pool());
  if (!pool) return pool.error();
  const std::string images = folder + "/images";
  Result<void> done = MakeDirectories(images, 0755);
  if (!done) return done;
  auto known = (*reader)->FindByIdentity("", false);
  if (!known) return known.error();
  if (!*known) {
    const auto batch = BeginBatch(paths, **store, folder + "/input.csv");
    if (!batch) return batch.error();
    known = (*reader)->FindByIdentity("", false);
    if (!known) return known.error();
  }
  const BatchView& view = **known;
  done = RecordRows(**store, view);
  if (done) done = Drain(**store, view.key, **pool, images, threads);
  if (done) done = Report(**reader, view.key, folder + "/output.csv");
  return done;
}

}  // namespace
}  // namespace imgbatch

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  const imgbatch::Result<void> done = imgbatch::Run(argv[1], threads);
  if (done) return 0;
  std::fprintf(stderr, "store_worker: %s\n", done.error().message.c_str());
  return 10 + static_cast<int>(done.error().code);
}
