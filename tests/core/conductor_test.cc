#include "core/conductor.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "core/url.h"
#include "tests/support/fakes.h"
#include "tests/support/memory_job_store.h"
#include "tests/support/memory_pool.h"

namespace imgbatch {
namespace {

using testing::Break;
using testing::FakeClock;
using testing::FakeCodec;
using testing::FakeHttp;
using testing::FakeJournal;
using testing::RecordingObserver;
using testing::RedirectTo;
using testing::Respond;

bool IsConditional(const HttpRequest& request) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [](const HttpHeader& h) { return h.value == "\"a\""; });
}

// One batch of rows with a URL each, everything else fake.
class ConductorTest : public ::testing::Test {
 protected:
  ConductorTest() : clock_(Milliseconds(200)) {
    limits_.workers = 2;
    limits_.writers = 2;
    plan_.settings.images_dir = "/images";
  }

  static std::string Url(int n) {
    return "http://shop" + std::to_string(n % 3) + ".example/" +
           std::to_string(n) + ".jpg";
  }

  BatchKey CreateBatch(const std::string& uuid) {
    NewBatch batch;
    batch.uuid = uuid;
    batch.recipe_fingerprint = Fingerprint(plan_.recipe);
    auto key = store_.CreateBatch(batch, clock_.Now());
    EXPECT_TRUE(key);
    return *key;
  }

  static std::vector<RowRecord> Rows(const std::vector<std::string>& urls) {
    std::vector<RowRecord> rows;
    for (const std::string& url : urls) {
      RowRecord row;
      row.row = static_cast<int64_t>(rows.size()) + 1;
      CellRecord cell;
      cell.place = 1;
      cell.url = url;
      if (auto parsed = ParseUrl(url)) {
        cell.host = parsed->host;
      } else {
        cell.invalid = parsed.error();
      }
      row.cells.push_back(std::move(cell));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  BatchKey SealedBatch(const std::vector<std::string>& urls,
                       const std::string& uuid = "0193-a") {
    const BatchKey batch = CreateBatch(uuid);
    const std::vector<RowRecord> rows = Rows(urls);
    EXPECT_TRUE(store_.Record(batch, rows, clock_.Now()));
    EXPECT_TRUE(
        store_.Seal(batch, static_cast<int64_t>(rows.size()), clock_.Now()));
    return batch;
  }

  std::unique_ptr<Conductor> MakeConductor() {
    return std::make_unique<Conductor>(
        Conductor::Parts{store_, reader_, pool_, http_, codec_, journal_,
                         clock_, observer_},
        limits_);
  }

  Result<DrainEnd> Drain(Conductor& conductor, BatchKey batch,
                         std::optional<Recording> recording = std::nullopt) {
    return conductor.Drain(
        Scope{batch}, [this](BatchKey) -> Result<BatchPlan> { return plan_; },
        recording);
  }

  BatchView DrainedToItsEnd(BatchKey batch) {
    const auto conductor = MakeConductor();
    auto end = Drain(*conductor, batch);
    EXPECT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, DrainEnd::kEnded);
    return View(batch);
  }

  BatchView View(BatchKey batch) { return *reader_.ReadBatch(batch); }

  CellView CellOf(BatchKey batch, int64_t row) {
    return reader_.ReadCells(batch, {row - 1, INT32_MAX}, 1, false)->at(0);
  }

  FakeClock clock_;
  MemoryDatabase database_;
  MemoryJobStore store_{database_};
  MemoryJobReader reader_{database_};
  MemoryPool pool_;
  FakeHttp http_;
  FakeCodec codec_;
  FakeJournal journal_;
  RecordingObserver observer_;
  ConductorLimits limits_;
  BatchPlan plan_;
};

TEST_F(ConductorTest, FetchesCompressesAndPublishesEveryImage) {
  std::vector<std::string> urls;
  for (int i = 0; i < 200; ++i) {
    urls.push_back(Url(i));
    http_.Script(Url(i), {Respond(200, "picture " + std::to_string(i))});
  }
  const BatchKey batch = SealedBatch(urls);
  const BatchView view = DrainedToItsEnd(batch);
  EXPECT_EQ(view.state, BatchState::kCompleted);
  EXPECT_EQ(view.tally.done, 200);
  EXPECT_EQ(view.tally.recompressed, 200);
  EXPECT_EQ(observer_.events.size(), 200U);
  EXPECT_EQ(http_.requests().size(), 200U);
  EXPECT_EQ(journal_.inside(), 0);
  auto file = pool_.Published("/images/000007-1.jpg");
  ASSERT_TRUE(file);
  EXPECT_EQ(std::string(file->begin(), file->end()), "pict");
}

TEST_F(ConductorTest, AFailedImageNeverBlocksTheBatch) {
  http_.Script(Url(1), {Respond(200, "picture")});
  http_.Script(Url(2), {Respond(404)});
  http_.Script(Url(3), {Respond(200, "bad bytes")});
  const BatchKey batch = SealedBatch({Url(1), Url(2), Url(3), "ftp://x/y"});
  const BatchView view = DrainedToItsEnd(batch);
  EXPECT_EQ(view.state, BatchState::kCompletedWithErrors);
  EXPECT_EQ(view.tally.done, 1);
  EXPECT_EQ(view.tally.failed, 3);
  EXPECT_EQ(CellOf(batch, 2).failure->http_status, 404);
  EXPECT_EQ(CellOf(batch, 3).failure->code, FailureCode::kCorruptImage);
  EXPECT_EQ(CellOf(batch, 4).failure->code, FailureCode::kInvalidUrl);
}

TEST_F(ConductorTest, RetriesWhatCanPassUntilTheTriesAreUsedUp) {
  http_.Script(Url(1), {Break(FailureCode::kTruncated), Respond(503, "busy"),
                        Respond(200, "picture")});
  http_.Script(Url(2), {Respond(500)});
  const BatchKey batch = SealedBatch({Url(1), Url(2)});
  plan_.settings.retries = 4;
  clock_.SetStep(Milliseconds(5'000));
  const BatchView view = DrainedToItsEnd(batch);
  EXPECT_EQ(view.tally.done, 1);
  EXPECT_EQ(http_.Count(Url(1)), 3);
  EXPECT_EQ(http_.Count(Url(2)), 5);
  EXPECT_EQ(CellOf(batch, 2).attempts, 5);
}

TEST_F(ConductorTest, FollowsRedirectsUpToALimit) {
  http_.Script(Url(1), {RedirectTo("/moved.jpg")});
  http_.Script("http://shop1.example/moved.jpg",
               {RedirectTo("http://other.example/here.jpg")});
  http_.Script("http://other.example/here.jpg", {Respond(200, "picture")});
  http_.Script(Url(2), {RedirectTo(Url(2))});
  const BatchKey batch = SealedBatch({Url(1), Url(2)});
  const BatchView view = DrainedToItsEnd(batch);
  EXPECT_EQ(view.tally.done, 1);
  EXPECT_EQ(CellOf(batch, 2).failure->code, FailureCode::kTooManyRedirects);
  EXPECT_EQ(http_.Count(Url(2)), 1 + kMaxRedirects);
}

TEST_F(ConductorTest, ConvertsEqualContentOnce) {
  std::vector<std::string> urls;
  for (int i = 0; i < 50; ++i) {
    urls.push_back(Url(i));
    http_.Script(Url(i), {Respond(200, "the same picture")});
  }
  const BatchKey batch = SealedBatch(urls);
  const BatchView view = DrainedToItsEnd(batch);
  EXPECT_EQ(view.tally.done, 50);
  EXPECT_EQ(codec_.conversions(), 1);
  EXPECT_EQ(view.tally.reused, 49);
  EXPECT_TRUE(pool_.Published("/images/000050-1.jpg"));
}

TEST_F(ConductorTest, FailsEqualBadContentTogether) {
  std::vector<std::string> urls;
  for (int i = 0; i < 10; ++i) {
    urls.push_back(Url(i));
    http_.Script(Url(i), {Respond(200, "bad, all of them")});
  }
  const BatchView view = DrainedToItsEnd(SealedBatch(urls));
  EXPECT_EQ(view.tally.failed, 10);
  EXPECT_EQ(view.state, BatchState::kCompletedWithErrors);
}

TEST_F(ConductorTest, AsksOnlyForWhatHasChanged) {
  http_.Script(Url(1), {Respond(200, "picture 1", {{"etag", "\"a\""}})});
  http_.Script(Url(2), {Respond(200, "picture 2")});
  DrainedToItsEnd(SealedBatch({Url(1), Url(2)}));
  http_.Script(Url(1), {[](const HttpRequest& request) -> HttpAnswer {
                 return Respond(IsConditional(request) ? 304 : 500)(request);
               }});
  const BatchKey second = SealedBatch({Url(1), Url(2)}, "0193-b");
  const BatchView view = DrainedToItsEnd(second);
  EXPECT_EQ(view.tally.reused, 2);
  EXPECT_EQ(codec_.conversions(), 2);
}

TEST_F(ConductorTest, BelievesNo304OfAnotherImage) {
  http_.Script(Url(1), {Respond(200, "picture 1", {{"etag", "\"a\""}})});
  DrainedToItsEnd(SealedBatch({Url(1)}));
  http_.Script(Url(1), {[](const HttpRequest& request) -> HttpAnswer {
                 return Respond(IsConditional(request) ? 304 : 200, "picture 2",
                                {{"etag", "\"b\""}})(request);
               }});
  const BatchView view = DrainedToItsEnd(SealedBatch({Url(1)}, "0193-b"));
  EXPECT_EQ(view.tally.recompressed, 1);
  EXPECT_EQ(http_.Count(Url(1)), 3);
}

TEST_F(ConductorTest, FetchesAgainWhenTheResultHasGoneFromThePool) {
  http_.Script(Url(1), {Respond(200, "picture 1", {{"etag", "\"a\""}})});
  const BatchKey first = SealedBatch({Url(1)});
  DrainedToItsEnd(first);
  ASSERT_TRUE(pool_.Remove(CellOf(first, 1).content->key));
  http_.Script(Url(1), {[](const HttpRequest& request) -> HttpAnswer {
                 return Respond(IsConditional(request) ? 304 : 200,
                                "picture 1")(request);
               }});
  const BatchView view = DrainedToItsEnd(SealedBatch({Url(1)}, "0193-b"));
  EXPECT_EQ(view.tally.recompressed, 1);
  EXPECT_EQ(http_.Count(Url(1)), 3);
}

TEST_F(ConductorTest, AnotherRecipeNeedsNoDownloadWhenOriginalsAreKept) {
  http_.Script(Url(1), {Respond(200, "picture 1", {{"etag", "\"a\""}})});
  plan_.settings.keep_originals = true;
  DrainedToItsEnd(SealedBatch({Url(1)}));
  http_.Script(Url(1), {[](const HttpRequest& request) -> HttpAnswer {
                 return Respond(IsConditional(request) ? 304 : 500)(request);
               }});
  plan_.recipe.quality = 70;
  const BatchView view = DrainedToItsEnd(SealedBatch({Url(1)}, "0193-b"));
  EXPECT_EQ(view.tally.recompressed, 1);
  EXPECT_EQ(view.tally.bytes_downloaded, 0);
  EXPECT_EQ(codec_.conversions(), 2);
}

TEST_F(ConductorTest, AnotherRecipeDownloadsWhenOriginalsAreNotKept) {
  http_.Script(Url(1), {Respond(200, "picture 1", {{"etag", "\"a\""}})});
  DrainedToItsEnd(SealedBatch({Url(1)}));
  http_.Script(Url(1), {[](const HttpRequest& request) -> HttpAnswer {
                 return Respond(IsConditional(request) ? 500 : 200,
                                "picture 1")(request);
               }});
  plan_.recipe.quality = 70;
  const BatchView view = DrainedToItsEnd(SealedBatch({Url(1)}, "0193-b"));
  EXPECT_EQ(view.tally.recompressed, 1);
}

TEST_F(ConductorTest, KeepsClaimsAndRequestsWithinTheirBounds) {
  std::vector<std::string> urls;
  for (int i = 0; i < 300; ++i) {
    urls.push_back(Url(i));
    http_.Script(Url(i), {Respond(200, "picture " + std::to_string(i))});
  }
  limits_.concurrency = 8;
  limits_.hosts.total = 8;
  DrainedToItsEnd(SealedBatch(urls));
  EXPECT_LE(observer_.most_in_flight,
            8 + 4 * limits_.workers + 2 * limits_.writers);
}

TEST_F(ConductorTest, StopsAtOnceAndConsumesNoTry) {
  std::vector<std::string> urls;
  for (int i = 0; i < 20; ++i) {
    urls.push_back(Url(i));
    http_.Hang(Url(i));
  }
  http_.Script(Url(0), {Respond(200, "picture")});
  const BatchKey batch = SealedBatch(urls);
  const auto conductor = MakeConductor();
  observer_.on_turn = [&](int) {
    if (observer_.events.size() == 1) conductor->Stop();
  };
  auto end = Drain(*conductor, batch);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, DrainEnd::kStopped);
  const BatchView view = View(batch);
  EXPECT_EQ(view.tally.done, 1);
  EXPECT_EQ(view.tally.running, 0);
  EXPECT_EQ(view.tally.pending(), 19);

  for (int i = 1; i < 20; ++i) {
    http_.Script(Url(i), {Respond(200, "picture " + std::to_string(i))});
  }
  observer_.on_turn = nullptr;
  EXPECT_EQ(DrainedToItsEnd(batch).tally.done, 20);
  EXPECT_EQ(http_.Count(Url(0)), 1);
}

TEST_F(ConductorTest, GivesBackWhatIsStillBeingDecodedAfterTheGraceTime) {
  http_.Script(Url(1), {Respond(200, "picture")});
  const BatchKey batch = SealedBatch({Url(1)});
  std::atomic<bool> release = false;
  clock_.SetStep(Milliseconds(1'000));
  const auto conductor = MakeConductor();
  codec_.on_convert = [&] {
    conductor->Stop();
    release.wait(false);
  };
  auto end = Drain(*conductor, batch);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, DrainEnd::kStopped);
  EXPECT_TRUE(conductor->HasAbandoned());
  EXPECT_EQ(View(batch).tally.pending(), 1);
  EXPECT_EQ(View(batch).tally.running, 0);
  release = true;
  release.notify_all();
}

TEST_F(ConductorTest, StopsOnPurposeAfterSoManyImages) {
  std::vector<std::string> urls;
  for (int i = 0; i < 30; ++i) {
    urls.push_back(Url(i));
    http_.Script(Url(i), {Respond(200, "picture " + std::to_string(i))});
  }
  limits_.max_images = 7;
  const BatchKey batch = SealedBatch(urls);
  const auto conductor = MakeConductor();
  auto end = Drain(*conductor, batch);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, DrainEnd::kLimit);
  EXPECT_EQ(View(batch).tally.done, 7);
}

TEST_F(ConductorTest, StopsOnPurposeAfterSomeTime) {
  http_.Hang(Url(1));
  limits_.max_duration = Milliseconds(5'000);
  clock_.SetStep(Milliseconds(2'000));
  const BatchKey batch = SealedBatch({Url(1)});
  const auto conductor = MakeConductor();
  auto end = Drain(*conductor, batch);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, DrainEnd::kLimit);
  EXPECT_EQ(View(batch).tally.running, 0);
}

TEST_F(ConductorTest, RecordsWhileImagesAreMoving) {
  const BatchKey batch = CreateBatch("0193-a");
  RowFeed feed;
  constexpr int kGroups = 20;
  constexpr int kRows = 10;
  for (int i = 0; i < kGroups * kRows; ++i) {
    http_.Script(Url(i), {Respond(200, "picture " + std::to_string(i))});
  }
  std::thread recorder([&] {
    int64_t row = 0;
    for (int group = 0; group < kGroups; ++group) {
      RowGroup rows;
      for (int i = 0; i < kRows; ++i) {
        rows.rows.push_back(Rows({Url(static_cast<int>(row))}).front());
        rows.rows.back().row = ++row;
      }
      if (!feed.Push(std::move(rows))) return;
    }
    feed.Push({{}, Result<int64_t>(row)});
  });
  const auto conductor = MakeConductor();
  auto end = Drain(*conductor, batch, Recording{batch, &feed});
  recorder.join();
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(View(batch).state, BatchState::kCompleted);
  EXPECT_EQ(View(batch).tally.done, kGroups * kRows);
}

TEST_F(ConductorTest, EndsABatchWithoutImages) {
  EXPECT_EQ(DrainedToItsEnd(SealedBatch({})).state, BatchState::kCompleted);
}

TEST_F(ConductorTest, GivesUpAHostThatNeverAnswers) {
  std::vector<std::string> urls;
  for (int i = 0; i < 40; ++i) {
    urls.push_back("http://dead.example/" + std::to_string(i));
    http_.Script(urls.back(), {Break(FailureCode::kConnectFailed)});
  }
  plan_.settings.retries = 1000;
  clock_.SetStep(Milliseconds(10'000));
  const BatchKey batch = SealedBatch(urls);
  const BatchView view = DrainedToItsEnd(batch);
  EXPECT_EQ(view.tally.failed, 40);
  EXPECT_EQ(CellOf(batch, 40).failure->code, FailureCode::kConnectFailed);
}

TEST_F(ConductorTest, AFullDiskStopsTheRunAndFailsNoImage) {
  class FullPool final : public ImagePool {
   public:
    Result<PoolKey> Put(std::span<const uint8_t>, std::string_view) override {
      return Error{ErrorCode::kNoSpace, "disk full"};
    }
    Result<void> Publish(const PoolKey&, const std::string&) override {
      return {};
    }
    Result<Body> Open(const PoolKey&) override { return Body(); }
    Result<bool> Contains(const PoolKey&, uint64_t) override { return false; }
    Result<void> Remove(const PoolKey&) override { return {}; }
  };
  FullPool full;
  std::vector<std::string> urls;
  for (int i = 0; i < 10; ++i) {
    urls.push_back(Url(i));
    http_.Script(Url(i), {Respond(200, "picture " + std::to_string(i))});
  }
  const BatchKey batch = SealedBatch(urls);
  Conductor conductor(
      {store_, reader_, full, http_, codec_, journal_, clock_, observer_},
      limits_);
  auto end = Drain(conductor, batch);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(View(batch).tally.failed, 0);
  EXPECT_EQ(View(batch).tally.running, 0);
}

}  // namespace
}  // namespace imgbatch
