// What the SQLite store costs: downloads and compresses the images of a list,
// once with it and once with the in-memory store of the tests, in turns.
//
//   drain_bench URL-LIST DIRECTORY [ROUNDS]
//
// Everything else is the real thing: libcurl, the codecs, the pool on disk.
// Prints images a second of each round and the median of their ratios.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/conductor.h"
#include "core/curl_client.h"
#include "core/url.h"
#include "core/uuid.h"
#include "formats/image_codec.h"
#include "store/local_pool.h"
#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"
#include "tests/support/memory_job_store.h"

namespace imgbatch {
namespace {

class NoJournal final : public DecodeJournal {
 public:
  void Enter(int, ImageKey) override {}
  void Leave(int) override {}
};

template <typename T>
T Must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "drain_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

BatchKey Record(JobStore& store, const std::vector<std::string>& urls,
                const BatchPlan& plan) {
  NewBatch batch;
  const WallTime now = SystemClock().Now();
  batch.uuid = NewUuid(now);
  batch.recipe_fingerprint = Fingerprint(plan.recipe);
  const BatchKey key = Must(store.CreateBatch(batch, now));
  std::vector<RowRecord> rows;
  for (const std::string& url : urls) {
    RowRecord row;
    row.row = static_cast<int64_t>(rows.size()) + 1;
    auto parsed = ParseUrl(url);
    if (!parsed) std::exit(2);
    CellRecord cell;
    cell.place = 1;
    cell.url = parsed->text;
    cell.host = parsed->host;
    row.cells.push_back(std::move(cell));
    rows.push_back(std::move(row));
  }
  if (!store.Record(key, rows, now) ||
      !store.Seal(key, static_cast<int64_t>(rows.size()), now)) {
    std::exit(1);
  }
  return key;
}

// Images a second.
double Drain(JobStore& store, JobReader& reader, const std::string& folder,
             const std::vector<std::string>& urls) {
  BatchPlan plan;
  plan.settings.images_dir = folder + "/images";
  plan.settings.per_host = 64;
  std::filesystem::create_directories(plan.settings.images_dir);
  const BatchKey key = Record(store, urls, plan);
  const auto pool = Must(LocalPool::Create(folder + "/pool"));
  CurlClient http;
  const ImageCodec codec{CodecLimits()};
  NoJournal journal;
  const SystemClock clock;
  Observer observer;
  ConductorLimits limits;
  limits.hosts.per_host = 64;
  Conductor conductor(
      {store, reader, *pool, http, codec, journal, clock, observer}, limits);
  const auto begin = std::chrono::steady_clock::now();
  Must(conductor.Drain(
      Scope{key}, [&plan](BatchKey) -> Result<BatchPlan> { return plan; },
      std::nullopt));
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  const BatchView batch = Must(reader.ReadBatch(key));
  if (batch.tally.done != static_cast<int64_t>(urls.size())) {
    std::fprintf(stderr, "drain_bench: only %lld of %zu images are done\n",
                 static_cast<long long>(batch.tally.done), urls.size());
    std::exit(1);
  }
  return static_cast<double>(urls.size()) / took.count();
}

double WithMemory(const std::string& folder,
                  const std::vector<std::string>& urls) {
  MemoryDatabase database;
  MemoryJobStore store(database);
  MemoryJobReader reader(database);
  return Drain(store, reader, folder, urls);
}

double WithSqlite(const std::string& folder,
                  const std::vector<std::string>& urls) {
  const StorePaths paths(folder + "/store.db");
  const auto store = Must(SqliteJobStore::Open(paths, SystemClock().Now()));
  const auto reader = Must(SqliteJobReader::Open(paths));
  return Drain(*store, *reader, folder, urls);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: drain_bench URL-LIST DIRECTORY [ROUNDS]\n", stderr);
    return 2;
  }
  std::vector<std::string> urls;
  std::ifstream list(argv[1]);
  for (std::string line; std::getline(list, line);) urls.push_back(line);
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  std::vector<double> memory, sqlite;
  for (int round = 0; round < rounds; ++round) {
    for (const bool in_memory : {true, false}) {
      const std::string folder = std::string(argv[2]) + "/round";
      std::filesystem::remove_all(folder);
      std::filesystem::create_directories(folder);
      const double rate =
          in_memory ? WithMemory(folder, urls) : WithSqlite(folder, urls);
      (in_memory ? memory : sqlite).push_back(rate);
      std::filesystem::remove_all(folder);
    }
    std::printf("round %d  memory %.1f  sqlite %.1f images/s\n", round + 1,
                memory.back(), sqlite.back());
  }
  // Round by round, since a machine's speed drifts.
  std::vector<double> ratios;
  for (size_t i = 0; i < memory.size(); ++i) {
    ratios.push_back(sqlite[i] / memory[i]);
  }
  std::printf(
      "medians  memory %.1f  sqlite %.1f images/s; SQLite has %.1f %% "
      "of the speed\n",
      Median(memory), Median(sqlite), 100 * Median(ratios));
  return 0;
}

}  // namespace
}  // namespace imgbatch

int main(int argc, char** argv) { return imgbatch::Main(argc, argv); }
