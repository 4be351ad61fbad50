// What only the SQLite store does: processes that die, disks that fill, logs
// that must not grow. The rest is in the contract.
#include "store/sqlite_job_store.h"

#include <filesystem>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sqlite_job_reader.h"
#include "tests/support/store_check.h"
#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

constexpr WallTime kNow = 1'700'000'000'000;

class SqliteStores : public testing::Test {
 protected:
  std::unique_ptr<SqliteJobStore> Open(DatabaseLimits limits = {}) {
    auto store = SqliteJobStore::Open(paths_, kNow, std::move(limits));
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
  }

  static BatchKey AddBatch(JobStore& store, int images,
                           const std::string& uuid = "u") {
    NewBatch made;
    made.uuid = std::string(36 - uuid.size(), '0') + uuid;
    made.recipe_fingerprint = "0123456789abcdef";
    const Result<BatchKey> batch = store.CreateBatch(made, kNow);
    EXPECT_TRUE(batch);
    std::vector<RowRecord> rows;
    for (int64_t row = 1; row <= images; ++row) {
      CellRecord cell;
      cell.place = 1;
      cell.host = "host" + std::to_string(row % 3);
      cell.url = "http://" + cell.host + "/" + std::to_string(row);
      rows.push_back({row, {cell}, std::nullopt});
    }
    EXPECT_TRUE(store.Record(*batch, rows, kNow));
    EXPECT_TRUE(store.Seal(*batch, images, kNow));
    return *batch;
  }

  static std::vector<Claim> ClaimUpTo(JobStore& store, int wanted,
                                      BatchKey batch) {
    ExchangeRequest request;
    request.scope.batch = batch;
    request.wanted = wanted;
    request.now = kNow;
    Result<Exchanged> exchanged = store.Exchange(request);
    EXPECT_TRUE(exchanged) << (exchanged ? "" : exchanged.error().message);
    return exchanged ? std::move(exchanged->claims) : std::vector<Claim>();
  }

  // Runs `act` in a process of its own that then waits to be killed; returns
  // once `act` is through.
  pid_t Start(const std::function<void()>& act) {
    int ready[2];
    EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
      act();
      (void)!write(ready[1], "r", 1);
      for (;;) pause();
    }
    close(ready[1]);
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1) << "the process died early";
    close(ready[0]);
    return child;
  }
  static void Kill(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }

  BatchView View(BatchKey batch) {
    return *(*SqliteJobReader::Open(paths_))->ReadBatch(batch);
  }

  TemporaryFolder folder_;
  StorePaths paths_{folder_ / "imgbatch.db"};
};

TEST_F(SqliteStores, ReturnTheClaimsOfADeadProcessWhenTheyAreOpened) {
  const BatchKey batch = AddBatch(*Open(), 4);
  const pid_t child = Start([&] {
    auto* store = Open().release();  // Never closed: it dies.
    ClaimUpTo(*store, 3, batch);
  });
  EXPECT_EQ(View(batch).tally.running, 3);
  Kill(child);
  const auto store = Open();
  EXPECT_EQ(View(batch).tally.running, 0);
  const std::vector<Claim> claims = ClaimUpTo(*store, 10, batch);
  EXPECT_EQ(claims.size(), 4u);
  for (const Claim& claim : claims) EXPECT_EQ(claim.suspects, 0);
  EXPECT_THAT(FindFaults(paths_), testing::IsEmpty());
}

TEST_F(SqliteStores, NoticeADeathWhileTheyWork) {
  const BatchKey batch = AddBatch(*Open(), 4);
  const pid_t child = Start([&] { ClaimUpTo(*Open().release(), 3, batch); });
  const auto store = Open();
  EXPECT_EQ(ClaimUpTo(*store, 10, batch).size(), 1u);
  Kill(child);
  // The promise is one second; the machine of a test may be slow.
  const auto end = std::chrono::steady_clock::now() + Milliseconds(1500);
  size_t found = 0;
  while (found == 0 && std::chrono::steady_clock::now() < end) {
    found = ClaimUpTo(*store, 10, batch).size();
  }
  EXPECT_EQ(found, 3u);
}

TEST_F(SqliteStores, NeverRobAProcessThatIsOnlyStopped) {
  const BatchKey batch = AddBatch(*Open(), 4);
  const pid_t child = Start([&] { ClaimUpTo(*Open().release(), 3, batch); });
  kill(child, SIGSTOP);
  EXPECT_EQ(ClaimUpTo(*Open(), 10, batch).size(), 1u);
  Kill(child);
}

TEST_F(SqliteStores, SuspectOnlyWhatWasInsideADecoder) {
  const BatchKey batch = AddBatch(*Open(), 3);
  for (int death = 1; death <= 2; ++death) {
    Kill(Start([&] {
      SqliteJobStore* store = Open().release();
      const std::vector<Claim> claims = ClaimUpTo(*store, 3, batch);
      for (const Claim& claim : claims) {
        if (claim.n == 2) store->journal().Enter(7, claim.image);
        if (claim.n == 3) {
          store->journal().Enter(8, claim.image);
          store->journal().Leave(8);
        }
      }
    }));
    auto store = Open();
    for (const Claim& claim : ClaimUpTo(*store, 3, batch)) {
      EXPECT_EQ(claim.suspects, claim.n == 2 ? death : 0);
      EXPECT_EQ(claim.attempts, 0);
    }
  }
}

TEST_F(SqliteStores, GiveUpAnImageAfterThreeDeathsInItsDecoder) {
  const BatchKey batch = AddBatch(*Open(), 1);
  for (int death = 1; death <= 3; ++death) {
    Kill(Start([&] {
      SqliteJobStore* store = Open().release();
      store->journal().Enter(0, ClaimUpTo(*store, 1, batch).at(0).image);
    }));
  }
  const auto store = Open();
  ExchangeRequest request;
  request.scope.batch = batch;
  request.wanted = 1;
  request.now = kNow;
  const Result<Exchanged> exchanged = store->Exchange(request);
  EXPECT_TRUE(exchanged->claims.empty());
  ASSERT_EQ(exchanged->ended.size(), 1u);
  const auto reader = SqliteJobReader::Open(paths_);
  const auto cells = (*reader)->ReadCells(batch, {}, 10, true);
  ASSERT_EQ(cells->size(), 1u);
  EXPECT_EQ((*cells)[0].failure->code, FailureCode::kCrashed);
}

TEST_F(SqliteStores, LeaveNoOwnersAndNoFilesBehind) {
  const BatchKey batch = AddBatch(*Open(), 3);
  Kill(Start([&] { ClaimUpTo(*Open().release(), 1, batch); }));
  { ClaimUpTo(*Open(), 3, batch); }
  EXPECT_TRUE(std::filesystem::is_empty(paths_.files + "/owners"));
  auto database = Database::Open(paths_, Database::Use::kRead, {});
  EXPECT_EQ((*database)->Value("SELECT count(*) FROM owner"), 0);
}

TEST_F(SqliteStores, IgnoreOutcomesOfClaimsThatAnotherHasTakenOver) {
  const BatchKey batch = AddBatch(*Open(), 1);
  const auto slow = Open();
  const std::vector<Claim> stale = ClaimUpTo(*slow, 1, batch);
  // As after a death that was none: its row is gone, its claims are back.
  std::filesystem::remove(paths_.OwnerLock(slow->owner()));
  const auto quick = Open();
  const std::vector<Claim> fresh = ClaimUpTo(*quick, 1, batch);
  ASSERT_EQ(fresh.size(), 1u);
  ImageFailed failed{{FailureCode::kTimeout, 0, "slow"}, 1};
  const std::vector<Outcome> outcomes{{stale[0].image, failed, 9}};
  ExchangeRequest request;
  request.outcomes = outcomes;
  request.now = kNow;
  ASSERT_TRUE(slow->Exchange(request));
  EXPECT_EQ(View(batch).tally.failed, 0);
  EXPECT_EQ(View(batch).tally.running, 1);
}

TEST_F(SqliteStores, ShareTheWorkAmongProcessesWithoutDoingAnythingTwice) {
  constexpr int kImages = 300;
  const BatchKey batch = AddBatch(*Open(), kImages);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const auto store = Open();
      std::vector<Outcome> outcomes;
      for (;;) {
        ExchangeRequest request;
        request.scope.batch = batch;
        request.outcomes = outcomes;
        request.wanted = 7;
        request.now = kNow;
        const Result<Exchanged> exchanged = store->Exchange(request);
        if (!exchanged) _exit(1);
        outcomes.clear();
        for (const Claim& claim : exchanged->claims) {
          ImageFailed failed{{FailureCode::kTimeout, 0, "slow"}, 1};
          outcomes.push_back({claim.image, failed, 1});
        }
        if (outcomes.empty()) break;
      }
      // _exit() runs no destructors, which is as good as a death.
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(View(batch).tally.failed, kImages);
  EXPECT_EQ(View(batch).tally.bytes_downloaded, kImages) << "done twice";
  EXPECT_THAT(FindFaults(paths_), testing::IsEmpty());
}

TEST_F(SqliteStores, LeaveAnEmptyLogBehind) {
  AddBatch(*Open(), 100);
  EXPECT_EQ(std::filesystem::file_size(paths_.database + "-wal"), 0u);
}

TEST_F(SqliteStores, KeepTheLogSmallWhileReadersPoll) {
  DatabaseLimits limits;
  limits.checkpoint_bytes = 1 << 20;
  limits.max_log_bytes = 4 << 20;
  const auto store = Open(limits);
  const auto reader = *SqliteJobReader::Open(paths_);
  uintmax_t largest = 0;
  for (int i = 0; i < 10; ++i) {
    AddBatch(*store, 5000, std::to_string(i));
    ASSERT_TRUE(reader->FindBatch("latest"));
    largest =
        std::max(largest, std::filesystem::file_size(paths_.database + "-wal"));
  }
  EXPECT_LE(largest, uintmax_t{4} << 20);
}

TEST_F(SqliteStores, WaitForAReaderThatIsStoppedInsideAQueryAndSayWhy) {
  const BatchKey first = AddBatch(*Open(), 10);
  const pid_t child = Start([&] {
    auto* database =
        Database::Open(paths_, Database::Use::kRead, {})->release();
    auto* query = new Query(*database, "SELECT url FROM image");
    query->Next();  // Its read transaction stays open.
  });
  std::string told;
  DatabaseLimits limits;
  limits.checkpoint_bytes = 64 << 10;
  limits.max_log_bytes = 256 << 10;
  limits.notice = [&](std::string_view notice) {
    told = notice;
    Kill(child);
  };
  const auto store = Open(limits);
  for (int i = 0; i < 5; ++i) AddBatch(*store, 2000, std::to_string(i));
  EXPECT_NE(told.find("waiting for a program that reads"), std::string::npos);
  EXPECT_LE(std::filesystem::file_size(paths_.database + "-wal"), 1u << 20);
  EXPECT_EQ(View(first).tally.total, 10);
  if (told.empty()) Kill(child);
}

TEST_F(SqliteStores, StopWaitingForAReaderWhenTheyAreTold) {
  AddBatch(*Open(), 10);
  auto reader = Database::Open(paths_, Database::Use::kRead, {});
  Query query(**reader, "SELECT url FROM image");
  query.Next();
  DatabaseLimits limits;
  limits.checkpoint_bytes = 64 << 10;
  limits.max_log_bytes = 256 << 10;
  limits.stop = [] { return true; };
  const auto store = Open(limits);
  NewBatch made;
  Result<BatchKey> batch = BatchKey{};
  for (char c = '1'; batch && c <= '9'; ++c) {
    made.uuid = std::string(36, c);
    made.settings = std::string(100'000, 'x');
    batch = store->CreateBatch(made, kNow);
  }
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::kCancelled);
}

TEST_F(SqliteStores, SayWhoHoldsTheStoreForTooLong) {
  DatabaseLimits limits;
  limits.busy = Milliseconds(50);
  const auto store = Open(limits);
  auto other = Database::Open(paths_, Database::Use::kWrite, {});
  Transaction holding(**other);
  NewBatch made;
  made.uuid = std::string(36, 'b');
  const Result<BatchKey> batch = store->CreateBatch(made, kNow);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::kBusy);
  EXPECT_NE(batch.error().message.find(paths_.database), std::string::npos);
}

TEST_F(SqliteStores, WriteNothingWhenThereIsNothingToSay) {
  const auto store = Open();
  AddBatch(*store, 1);
  const auto size = [&] {
    return std::filesystem::file_size(paths_.database + "-wal");
  };
  ExchangeRequest request;
  request.now = kNow;
  ASSERT_TRUE(store->Exchange(request));
  const auto before = size();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store->Exchange(request));
  EXPECT_EQ(size(), before);
}

}  // namespace
}  // namespace imgbatch
