// Stores with random damage: nothing may crash or hang, and whatever is not
// right ends in an error. IMGBATCH_DAMAGED=1000 tries so many.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "store/check.h"
#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/worker_process.h"

namespace imgbatch {
namespace {

constexpr WallTime kNow = 1'700'000'000'000;

Outcome DoneOutcome(const Claim& claim) {
  Outcome outcome;
  outcome.image = claim.image;
  ImageDone done;
  done.source_hash = HashOf(claim.url);
  done.etag = "\"e\"";
  done.content = {ToHex(done.source_hash) + ".jpg", ImageFormat::kJpeg, 1, 1,
                  1};
  outcome.what.emplace<ImageDone>(std::move(done));
  return outcome;
}

// Two batches, one half done. Ignores errors: the store may be damaged.
void Use(const StorePaths& paths, char digit) {
  auto store = SqliteJobStore::Open(paths, kNow);
  if (!store) return;
  NewBatch made;
  made.uuid = std::string(36, digit);
  made.recipe_fingerprint = "0123456789abcdef";
  const Result<BatchKey> batch = (*store)->CreateBatch(made, kNow);
  if (!batch) return;
  std::vector<RowRecord> rows;
  for (int64_t row = 1; row <= 300; ++row) {
    CellRecord cell;
    cell.place = 1;
    cell.host = "host" + std::to_string(row % 7);
    cell.url = "http://" + cell.host + "/" + std::to_string(row % 250);
    cell.stem = "shoe";
    rows.push_back({row, {cell}, std::nullopt});
  }
  (void)(*store)->Record(*batch, rows, kNow);
  (void)(*store)->Seal(*batch, 300, kNow);
  std::vector<Outcome> outcomes;
  for (int turn = 0; turn < 4; ++turn) {
    ExchangeRequest request;
    request.scope.batch = *batch;
    request.outcomes = outcomes;
    request.wanted = 40;
    request.now = kNow;
    const Result<Exchanged> exchanged = (*store)->Exchange(request);
    if (!exchanged) return;
    outcomes.clear();
    for (const Claim& claim : exchanged->claims) {
      outcomes.push_back(DoneOutcome(claim));
    }
  }
}

void Look(const StorePaths& paths) {
  auto reader = SqliteJobReader::Open(paths);
  if (!reader) return;
  const auto batches = (*reader)->ListBatches(10, std::nullopt);
  if (!batches) return;
  for (const BatchView& view : *batches) {
    (void)(*reader)->FindBatch(view.uuid);
    (void)(*reader)->CountFailures(view.key);
    (void)(*reader)->ReadBadRows(view.key, 0, 10);
    CellCursor cursor;
    for (int page = 0; page < 10; ++page) {
      const auto cells = (*reader)->ReadCells(view.key, cursor, 100, false);
      if (!cells || cells->empty()) break;
      cursor = {cells->back().row, cells->back().place};
    }
  }
}

void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(Damage, NeverCrashesAndNeverHangs) {
  const TemporaryFolder folder(QuickFolder());
  const StorePaths sound(folder / "sound.db");
  Use(sound, '1');
  const std::string original = ContentsOf(sound.database);
  ASSERT_GT(original.size(), 50'000u);
  const char* wanted = getenv("IMGBATCH_DAMAGED");
  const int count = wanted != nullptr ? std::atoi(wanted) : 60;
  int found = 0;
  for (int seed = 0; seed < count; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(static_cast<unsigned>(seed));
    std::string bytes = original;
    const int flips = 1 << random() % 8;
    for (int i = 0; i < flips; ++i) {
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    }
    if (seed % 5 == 0) bytes.resize(random() % bytes.size());
    const StorePaths damaged(folder / (std::to_string(seed) + ".db"));
    ASSERT_TRUE(PrepareFolders(damaged));
    Write(damaged.database, bytes);
    const Result<StoreHealth> health = CheckStore(damaged, Milliseconds(5000));
    found += !health || !health->problems.empty();
    Look(damaged);
    Use(damaged, '2');
    Look(damaged);
    std::filesystem::remove_all(damaged.files);
  }
  std::printf("%d of %d damaged stores were recognised by the check\n", found,
              count);
  EXPECT_GT(found, 0);
}

TEST(Damage, OfTheLogLosesAtMostWhatWasInIt) {
  const TemporaryFolder folder;
  const StorePaths paths(folder / "imgbatch.db");
  auto store = SqliteJobStore::Open(paths, kNow);
  NewBatch made;
  made.uuid = std::string(36, '1');
  ASSERT_TRUE((*store)->CreateBatch(made, kNow));
  // As another process would find it if this one died now.
  const StorePaths copy(folder / "copy.db");
  ASSERT_TRUE(PrepareFolders(copy));
  const std::string log = ContentsOf(paths.database + "-wal");
  for (const size_t cut : {log.size(), log.size() / 2, size_t{32}, size_t{0}}) {
    Write(copy.database, ContentsOf(paths.database));
    std::filesystem::remove(copy.database + "-shm");
    Write(copy.database + "-wal", log.substr(0, cut));
    const Result<StoreHealth> health = CheckStore(copy, Milliseconds(5000));
    if (!health) {
      EXPECT_EQ(health.error().code, ErrorCode::kNotFound);
      continue;  // Not even the schema had been copied to the database.
    }
    EXPECT_THAT(health->problems, testing::IsEmpty());
  }
}

TEST(Damage, IsNotFoundInASoundStore) {
  const TemporaryFolder folder;
  const StorePaths paths(folder / "imgbatch.db");
  Use(paths, '1');
  const auto store = SqliteJobStore::Open(paths, kNow);
  const Result<StoreHealth> health = CheckStore(paths, Milliseconds(5000));
  ASSERT_TRUE(health);
  EXPECT_THAT(health->problems, testing::IsEmpty());
  EXPECT_TRUE(health->complete);
  EXPECT_EQ(health->owners, std::vector<int>{getpid()});
  EXPECT_GT(health->database_bytes, 0);
}

}  // namespace
}  // namespace imgbatch
