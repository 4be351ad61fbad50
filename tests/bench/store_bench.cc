// Measures the store alone:
//   store_bench record FOLDER FILE.csv   records the third column's URLs
//   store_bench exchange FOLDER IMAGES   claims and finishes, 64 in flight
//   store_bench memory - IMAGES          the same on the in-memory store
//   store_bench status FOLDER IMAGES     opens a store and reads a batch
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

#include "core/hash.h"
#include "core/uuid.h"
#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"
#include "tests/support/memory_job_store.h"

namespace imgbatch {
namespace {

constexpr WallTime kNow = 1'700'000'000'000;
constexpr size_t kRowsAtOnce = 2000;

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int64_t PeakKib() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

template <typename T>
T Must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "store_bench: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  return *std::move(result);
}
void Must(const Result<void>& result) {
  if (!result) {
    std::fprintf(stderr, "store_bench: %s\n", result.error().message.c_str());
    std::exit(1);
  }
}

NewBatch MakeBatch() {
  NewBatch batch;
  batch.uuid = NewUuid(kNow);
  batch.source = "bench.csv";
  batch.recipe_fingerprint = "0123456789abcdef";
  return batch;
}

CellRecord CellOf(std::string url) {
  const size_t begin = url.find("//") + 2;
  std::string host = url.substr(begin, url.find('/', begin) - begin);
  return {1, std::move(url), std::move(host), "", std::nullopt};
}

void RecordFile(JobStore& store, const std::string& path) {
  const double begin = Seconds();
  const BatchKey batch = Must(store.CreateBatch(MakeBatch(), kNow));
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // The header.
  std::vector<RowRecord> rows;
  int64_t count = 0;
  while (std::getline(file, line)) {
    rows.push_back(
        {++count, {CellOf(line.substr(line.rfind(',') + 1))}, std::nullopt});
    if (rows.size() < kRowsAtOnce) continue;
    Must(store.Record(batch, rows, kNow));
    rows.clear();
  }
  Must(store.Record(batch, rows, kNow));
  Must(store.Seal(batch, count, kNow));
  const double seconds = Seconds() - begin;
  std::printf("recorded %lld rows in %.2f s, %.0f/s, peak %lld KiB\n",
              static_cast<long long>(count), seconds,
              static_cast<double>(count) / seconds,
              static_cast<long long>(PeakKib()));
}

BatchKey RecordMany(JobStore& store, int64_t images) {
  const BatchKey batch = Must(store.CreateBatch(MakeBatch(), kNow));
  std::vector<RowRecord> rows;
  for (int64_t row = 1; row <= images; ++row) {
    rows.push_back(
        {row,
         {CellOf("http://host" + std::to_string(row % 40) +
                 ".example/products/photo-" + std::to_string(row) + ".jpg")},
         std::nullopt});
    if (rows.size() < kRowsAtOnce && row < images) continue;
    Must(store.Record(batch, rows, kNow));
    rows.clear();
  }
  Must(store.Seal(batch, images, kNow));
  return batch;
}

// Finishes what was claimed in the call before, and claims as many again:
// 64 in flight, in groups of `group`.
void Drain(JobStore& store, int64_t images, int group) {
  const BatchKey batch = RecordMany(store, images);
  const double begin = Seconds();
  std::vector<Outcome> outcomes;
  int64_t finished = 0;
  int64_t turns = 0;
  std::vector<Claim> in_flight;
  while (finished < images) {
    ExchangeRequest request;
    request.scope.batch = batch;
    request.outcomes = outcomes;
    request.wanted = 64 - static_cast<int>(in_flight.size());
    request.now = kNow;
    Exchanged exchanged = Must(store.Exchange(request));
    ++turns;
    outcomes.clear();
    for (Claim& claim : exchanged.claims) in_flight.push_back(std::move(claim));
    for (int i = 0; i < group && !in_flight.empty(); ++i) {
      const Claim& claim = in_flight.back();
      ImageDone done;
      done.source_hash = HashOf(claim.url);
      done.source_bytes = 250'000;
      done.etag = "\"" + std::to_string(claim.n) + "\"";
      done.content = {ToHex(done.source_hash) + ".jpg", ImageFormat::kJpeg,
                      100'000, 1000, 1000};
      Outcome& outcome = outcomes.emplace_back();
      outcome.image = claim.image;
      outcome.what.emplace<ImageDone>(std::move(done));
      outcome.downloaded = 250'000;
      in_flight.pop_back();
      ++finished;
    }
  }
  ExchangeRequest last;
  last.outcomes = outcomes;
  last.now = kNow;
  if (Must(store.Exchange(last)).ended.size() != 1) std::abort();
  const double seconds = Seconds() - begin;
  std::printf(
      "groups of %d: %lld images in %.2f s, %.0f images/s, %.0f commits/s\n",
      group, static_cast<long long>(images), seconds,
      static_cast<double>(images) / seconds,
      static_cast<double>(turns) / seconds);
}

std::unique_ptr<SqliteJobStore> OpenIn(const std::string& folder) {
  return Must(SqliteJobStore::Open(StorePaths(folder + "/bench.db"), kNow));
}

void ReadStatus(const std::string& folder, int64_t images) {
  {
    const auto store = OpenIn(folder);
    RecordMany(*store, images);
  }
  const double begin = Seconds();
  const auto reader =
      Must(SqliteJobReader::Open(StorePaths(folder + "/bench.db")));
  const BatchView view = Must(reader->FindBatch("latest"));
  Must(reader->CountFailures(view.key));
  std::printf("status of %lld images in %.1f ms\n",
              static_cast<long long>(view.tally.total),
              (Seconds() - begin) * 1000);
}

}  // namespace
}  // namespace imgbatch

int main(int argc, char** argv) {
  using namespace imgbatch;
  if (argc != 4) return 2;
  const std::string_view what = argv[1];
  const std::string folder = argv[2];
  if (what == "record") {
    RecordFile(*OpenIn(folder), argv[3]);
  } else if (what == "exchange") {
    for (const int group : {1, 8, 64}) {
      Drain(*OpenIn(folder), std::atoll(argv[3]), group);
    }
  } else if (what == "memory") {
    MemoryDatabase database;
    MemoryJobStore store(database);
    for (const int group : {1, 8, 64}) Drain(store, std::atoll(argv[3]), group);
  } else if (what == "status") {
    ReadStatus(folder, std::atoll(argv[3]));
  } else {
    return 2;
  }
  return 0;
}
