#include "tests/contract/job_store_contract.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/hash.h"

namespace imgbatch {
namespace {

constexpr int64_t kMinute = 60'000;

std::vector<std::string> UrlsOf(const std::vector<Claim>& claims) {
  std::vector<std::string> urls;
  for (const Claim& claim : claims) urls.push_back(claim.url);
  return urls;
}

// Allows so many in all of each host.
class FixedPlaces final : public HostPlaces {
 public:
  explicit FixedPlaces(int each) : each_(each) {}
  int Free(std::string_view host) override {
    return each_ - taken_[std::string(host)];
  }
  void Take(std::string_view host) override { ++taken_[std::string(host)]; }

 private:
  int each_;
  std::map<std::string, int> taken_;
};

std::vector<std::string> Urls(const std::string& host, int count) {
  std::vector<std::string> urls;
  for (int i = 1; i <= count; ++i) {
    urls.push_back("http://" + host + "/" + std::to_string(i));
  }
  return urls;
}

}  // namespace

void JobStoreContract::SetUp() {
  world_ = GetParam()();
  store_ = world_->OpenStore();
  reader_ = world_->OpenReader();
  ASSERT_NE(store_, nullptr);
  ASSERT_NE(reader_, nullptr);
}

CellRecord JobStoreContract::Cell(int32_t place, const std::string& url,
                                  const std::string& stem) {
  const size_t begin = url.find("//") + 2;
  return {place, url, url.substr(begin, url.find('/', begin) - begin), stem,
          std::nullopt};
}

RowRecord JobStoreContract::Row(int64_t row, std::vector<CellRecord> cells) {
  return {row, std::move(cells), std::nullopt};
}

NewBatch JobStoreContract::Made(const std::string& digit) {
  NewBatch made;
  made.uuid = "01900000-0000-7000-8000-00000000000" + digit;
  made.source = "shop.csv";
  made.identity = "identity-" + digit;
  made.settings = "per_host=6\n";
  made.recipe = "quality=50";
  made.recipe_fingerprint = "0123456789abcdef";
  made.kept_input = "inputs/" + made.uuid + ".csv";
  return made;
}

BatchKey JobStoreContract::AddBatch(const std::vector<std::string>& urls,
                                    const NewBatch& made) {
  const Result<BatchKey> batch = store_->CreateBatch(made, kNow);
  EXPECT_TRUE(batch) << (batch ? "" : batch.error().message);
  std::vector<RowRecord> rows;
  for (const std::string& url : urls) {
    rows.push_back(Row(static_cast<int64_t>(rows.size()) + 1, {Cell(1, url)}));
  }
  EXPECT_TRUE(store_->Record(*batch, rows, kNow));
  EXPECT_TRUE(store_->Seal(*batch, static_cast<int64_t>(rows.size()), kNow));
  return *batch;
}

Exchanged JobStoreContract::Exchange(const ExchangeRequest& request) {
  Result<Exchanged> exchanged = store_->Exchange(request);
  EXPECT_TRUE(exchanged) << (exchanged ? "" : exchanged.error().message);
  return exchanged ? *std::move(exchanged) : Exchanged{};
}

std::vector<Claim> JobStoreContract::ClaimUpTo(int wanted, BatchKey batch,
                                               WallTime now) {
  ExchangeRequest request;
  request.scope.batch = batch;
  request.wanted = wanted;
  request.now = now;
  return Exchange(request).claims;
}

Exchanged JobStoreContract::Report(const std::vector<Outcome>& outcomes,
                                   WallTime now) {
  ExchangeRequest request;
  request.outcomes = outcomes;
  request.now = now;
  return Exchange(request);
}

Outcome JobStoreContract::Done(const Claim& claim, const std::string& content,
                               DoneHow how) {
  ImageDone done;
  done.how = how;
  done.source_hash = HashOf("source of " + content);
  done.source_bytes = 1000;
  done.content = {ToHex(HashOf(content)) + ".jpg", ImageFormat::kJpeg, 400, 30,
                  20};
  return {claim.image, done, 1000};
}

Outcome JobStoreContract::Failed(const Claim& claim, FailureCode code) {
  return {claim.image, ImageFailed{{code, 404, "not found"}, 1}, 10};
}

Outcome JobStoreContract::Retry(const Claim& claim, WallTime due,
                                int attempts) {
  return {claim.image,
          ImageRetry{{FailureCode::kTimeout, 0, "too slow"}, attempts, due, 7},
          5};
}

Outcome JobStoreContract::Released(const Claim& claim) {
  return {claim.image, ImageReleased{}, 0};
}

BatchView JobStoreContract::View(BatchKey batch) {
  Result<BatchView> view = reader_->ReadBatch(batch);
  EXPECT_TRUE(view) << (view ? "" : view.error().message);
  return view ? *std::move(view) : BatchView{};
}

// --- Recording --------------------------------------------------------------

TEST_P(JobStoreContract, ANewBatchIsShownAsItWasMade) {
  NewBatch made = Made("1");
  made.source = "caf\xE9.csv";  // Not UTF-8: a file name may be anything.
  made.handed_to_serve = true;
  const Result<BatchKey> batch = store_->CreateBatch(made, kNow);
  ASSERT_TRUE(batch);
  const BatchView view = View(*batch);
  EXPECT_EQ(view.uuid, made.uuid);
  EXPECT_EQ(view.source, made.source);
  EXPECT_EQ(view.settings, made.settings);
  EXPECT_EQ(view.recipe, made.recipe);
  EXPECT_EQ(view.kept_input, made.kept_input);
  EXPECT_TRUE(view.handed_to_serve);
  EXPECT_EQ(view.state, BatchState::kPending);
  EXPECT_FALSE(view.sealed);
  EXPECT_EQ(view.round, 1);
  EXPECT_EQ(view.created_at, kNow);
  EXPECT_EQ(view.finished_at, 0);
}

TEST_P(JobStoreContract, TheSameIdTwiceIsRefused) {
  ASSERT_TRUE(store_->CreateBatch(Made("1"), kNow));
  const Result<BatchKey> again = store_->CreateBatch(Made("1"), kNow);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kUsage);
}

TEST_P(JobStoreContract, TheSameUrlIsOneImageWithAllItsCells) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  ASSERT_TRUE(store_->Record(
      *batch,
      std::vector{Row(1, {Cell(1, "http://a/x"), Cell(2, "http://a/y")}),
                  Row(2, {Cell(1, "http://a/x")})},
      kNow));
  ASSERT_TRUE(store_->Record(
      *batch, std::vector{Row(3, {Cell(1, "http://a/y")})}, kNow));
  EXPECT_EQ(View(*batch).tally.total, 2);
  const std::vector<Claim> claims = ClaimUpTo(5, *batch);
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_EQ(claims[0].n, 1);
  ASSERT_EQ(claims[0].names.size(), 2u);
  EXPECT_EQ(claims[0].names[0].row, 1);
  EXPECT_EQ(claims[0].names[1].row, 2);
  EXPECT_EQ(claims[0].names[1].place, 1);
  ASSERT_EQ(claims[1].names.size(), 2u);
  EXPECT_EQ(claims[1].names[0].place, 2);
  EXPECT_EQ(claims[1].names[1].row, 3);
}

TEST_P(JobStoreContract, AClaimNamesNoMoreCellsThanItsBound) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  std::vector<RowRecord> rows;
  for (int64_t row = 1; row <= 40; ++row) {
    rows.push_back(Row(row, {Cell(1, "http://a/x")}));
  }
  ASSERT_TRUE(store_->Record(*batch, rows, kNow));
  const std::vector<Claim> claims = ClaimUpTo(5, *batch);
  ASSERT_EQ(claims.size(), 1u);
  ASSERT_EQ(claims[0].names.size(), size_t{kMaxNamesPerClaim});
  EXPECT_EQ(claims[0].names.back().row, kMaxNamesPerClaim);
}

TEST_P(JobStoreContract, RowsThatAreRecordedAlreadyAreIgnored) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  const std::vector rows{Row(1, {Cell(1, "http://a/x")}),
                         Row(2, {Cell(1, "http://a/y")})};
  ASSERT_TRUE(store_->Record(*batch, rows, kNow));
  ASSERT_TRUE(store_->Record(*batch, rows, kNow));
  EXPECT_EQ(View(*batch).rows, 2);
  EXPECT_EQ(View(*batch).tally.total, 2);
  const auto cells = reader_->ReadCells(*batch, {}, 10, false);
  ASSERT_TRUE(cells);
  EXPECT_EQ(cells->size(), 2u);
}

TEST_P(JobStoreContract, AnotherObjectGoesOnRecording) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  ASSERT_TRUE(store_->Record(
      *batch, std::vector{Row(1, {Cell(1, "http://a/x", "shoe")})}, kNow));
  const std::unique_ptr<JobStore> other = world_->OpenStore();
  ASSERT_TRUE(
      other->Record(*batch,
                    std::vector{Row(2, {Cell(1, "http://a/x", "shoe")}),
                                Row(3, {Cell(1, "http://a/y", "shoe")})},
                    kNow));
  ASSERT_TRUE(store_->Record(
      *batch, std::vector{Row(4, {Cell(1, "http://a/y", "shoe")})}, kNow));
  EXPECT_EQ(View(*batch).tally.total, 2);
  const auto cells = reader_->ReadCells(*batch, {}, 10, false);
  ASSERT_EQ(cells->size(), 4u);
  EXPECT_EQ((*cells)[1].stem, "shoe-2");
  EXPECT_EQ((*cells)[2].stem, "shoe-3");
  EXPECT_EQ((*cells)[3].stem, "shoe-4");
  EXPECT_EQ((*cells)[3].n, 2);
}

TEST_P(JobStoreContract, EqualStemsGetNumbersThatNobodyHas) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  std::vector<RowRecord> rows;
  for (const char* stem : {"a", "a-2", "a", "a", "", "a-2", "b"}) {
    const int64_t row = static_cast<int64_t>(rows.size()) + 1;
    rows.push_back(
        Row(row, {Cell(1, "http://h/" + std::to_string(row), stem)}));
  }
  ASSERT_TRUE(store_->Record(*batch, rows, kNow));
  const auto cells = reader_->ReadCells(*batch, {}, 10, false);
  std::vector<std::string> stems;
  for (const CellView& cell : *cells) stems.push_back(cell.stem);
  EXPECT_EQ(stems, (std::vector<std::string>{"a", "a-2", "a-3", "a-4", "",
                                             "a-2-2", "b"}));
}

TEST_P(JobStoreContract, InvalidUrlsFailAtOnceAndAreNeverClaimed) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  const std::string bytes("h\xFF\0t", 4);  // As found in the file.
  CellRecord bad{1, bytes, "", "", Failure{FailureCode::kInvalidUrl, 0, "no"}};
  ASSERT_TRUE(store_->Record(
      *batch, std::vector{Row(1, {bad}), Row(2, {Cell(1, "http://a/x")})},
      kNow));
  EXPECT_EQ(View(*batch).tally.failed, 1);
  const std::vector<Claim> claims = ClaimUpTo(5, *batch);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].n, 2);
  const auto cells = reader_->ReadCells(*batch, {}, 10, true);
  ASSERT_EQ(cells->size(), 1u);
  EXPECT_EQ((*cells)[0].url, bytes);
  EXPECT_EQ((*cells)[0].failure->code, FailureCode::kInvalidUrl);
  EXPECT_EQ((*cells)[0].failure->message, "no");
}

TEST_P(JobStoreContract, BadRowsAreCountedAndNamed) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  std::vector<RowRecord> rows;
  for (int64_t row = 1; row <= 3; ++row) {
    rows.push_back({row, {}, RowRecord::Bad{row + 1, row * 10, "too short"}});
  }
  ASSERT_TRUE(store_->Record(*batch, rows, kNow));
  EXPECT_EQ(View(*batch).rows_invalid, 3);
  const auto bad = reader_->ReadBadRows(*batch, 1, 1);
  ASSERT_EQ(bad->size(), 1u);
  EXPECT_EQ((*bad)[0].row, 2);
  EXPECT_EQ((*bad)[0].line, 3);
  EXPECT_EQ((*bad)[0].byte_offset, 20);
  EXPECT_EQ((*bad)[0].reason, "too short");
}

TEST_P(JobStoreContract, NothingIsRecordedAfterTheSeal) {
  const BatchKey batch = AddBatch({"http://a/x"});
  const Result<void> more =
      store_->Record(batch, std::vector{Row(2, {Cell(1, "http://a/y")})}, kNow);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::kUsage);
}

TEST_P(JobStoreContract, UnknownBatchesAreNotFound) {
  const auto nowhere = static_cast<BatchKey>(77);
  EXPECT_EQ(store_->Record(nowhere, {}, kNow).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(store_->Seal(nowhere, 0, kNow).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->Cancel(nowhere, kNow).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->Retry(nowhere, std::nullopt, kNow).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(reader_->ReadBatch(nowhere).error().code, ErrorCode::kNotFound);
}

// --- Ending -----------------------------------------------------------------

TEST_P(JobStoreContract, AnEmptyBatchEndsWhenItIsSealed) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  const auto ended = store_->Seal(*batch, 0, kNow + 1);
  ASSERT_TRUE(ended && ended->has_value());
  EXPECT_EQ((*ended)->state, BatchState::kCompleted);
  EXPECT_EQ(View(*batch).finished_at, kNow + 1);
  EXPECT_FALSE(store_->Seal(*batch, 0, kNow)->has_value());
}

TEST_P(JobStoreContract, ABatchEndsWithItsLastImage) {
  const BatchKey batch = AddBatch(Urls("a", 2));
  const std::vector<Claim> claims = ClaimUpTo(2, batch);
  EXPECT_EQ(View(batch).state, BatchState::kProcessing);
  EXPECT_TRUE(Report({Done(claims[0])}).ended.empty());
  const Exchanged last = Report({Done(claims[1])}, kNow + 5);
  ASSERT_EQ(last.ended.size(), 1u);
  EXPECT_EQ(last.ended[0].batch, batch);
  EXPECT_EQ(last.ended[0].state, BatchState::kCompleted);
  const BatchView view = View(batch);
  EXPECT_EQ(view.state, BatchState::kCompleted);
  EXPECT_EQ(view.finished_at, kNow + 5);
  EXPECT_EQ(view.tally.done, 2);
  EXPECT_EQ(view.tally.pending(), 0);
}

TEST_P(JobStoreContract, OneFailureMakesItCompletedWithErrors) {
  const BatchKey batch = AddBatch(Urls("a", 2));
  const std::vector<Claim> claims = ClaimUpTo(2, batch);
  const Exchanged last = Report({Done(claims[0]), Failed(claims[1])});
  ASSERT_EQ(last.ended.size(), 1u);
  EXPECT_EQ(last.ended[0].state, BatchState::kCompletedWithErrors);
}

TEST_P(JobStoreContract, AnUnsealedBatchDoesNotEnd) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  ASSERT_TRUE(store_->Record(
      *batch, std::vector{Row(1, {Cell(1, "http://a/x")})}, kNow));
  const std::vector<Claim> claims = ClaimUpTo(2, *batch);
  EXPECT_TRUE(Report({Done(claims[0])}).ended.empty());
  const auto ended = store_->Seal(*batch, 1, kNow);
  ASSERT_TRUE(ended->has_value());
}

TEST_P(JobStoreContract, OneEventIsWrittenPerRoundOfABatchWithAWebhook) {
  NewBatch made = Made("1");
  made.webhook_url = "http://hook/";
  const BatchKey batch = AddBatch(Urls("a", 1), made);
  EXPECT_EQ(world_->CountEvents(batch), 0);
  Report({Failed(ClaimUpTo(1, batch)[0])});
  EXPECT_EQ(world_->CountEvents(batch), 1);
  ASSERT_TRUE(store_->Retry(batch, std::nullopt, kNow));
  EXPECT_EQ(world_->CountEvents(batch), 1);
  Report({Done(ClaimUpTo(1, batch)[0])});
  EXPECT_EQ(world_->CountEvents(batch), 2);
}

TEST_P(JobStoreContract, NoEventIsWrittenWithoutAWebhook) {
  const BatchKey batch = AddBatch(Urls("a", 1));
  Report({Done(ClaimUpTo(1, batch)[0])});
  EXPECT_EQ(world_->CountEvents(batch), 0);
}

// --- Claiming ---------------------------------------------------------------

TEST_P(JobStoreContract, FreshImagesAreClaimedInInputOrder) {
  const BatchKey batch = AddBatch(Urls("a", 5));
  const auto claims = UrlsOf(ClaimUpTo(3, batch));
  EXPECT_EQ(claims, (std::vector<std::string>{"http://a/1", "http://a/2",
                                              "http://a/3"}));
  EXPECT_EQ(View(batch).tally.running, 3);
  EXPECT_EQ(UrlsOf(ClaimUpTo(5, batch)),
            (std::vector<std::string>{"http://a/4", "http://a/5"}));
}

TEST_P(JobStoreContract, AClaimCarriesWhatIsKnownOfItsImage) {
  const BatchKey batch = AddBatch(Urls("a.example:8080", 1));
  const Claim claim = ClaimUpTo(1, batch)[0];
  EXPECT_EQ(claim.batch, batch);
  EXPECT_EQ(claim.n, 1);
  EXPECT_EQ(claim.host, "a.example:8080");
  EXPECT_EQ(claim.attempts, 0);
  EXPECT_EQ(claim.suspects, 0);
  EXPECT_FALSE(claim.known);
  ASSERT_EQ(claim.names.size(), 1u);
  EXPECT_EQ(claim.names[0].row, 1);
  EXPECT_EQ(claim.names[0].place, 1);
}

TEST_P(JobStoreContract, HostsTakeTurns) {
  std::vector<std::string> urls = Urls("a", 100);
  urls.push_back("http://b/1");
  urls.push_back("http://c/1");
  const BatchKey batch = AddBatch(urls);
  std::set<std::string> hosts;
  for (const Claim& claim : ClaimUpTo(3, batch)) hosts.insert(claim.host);
  EXPECT_EQ(hosts, (std::set<std::string>{"a", "b", "c"}));
}

TEST_P(JobStoreContract, TurnsOfHostsGoOnInTheNextCall) {
  std::vector<std::string> urls;
  for (const char* host : {"a", "b", "c"}) {
    for (const std::string& url : Urls(host, 10)) urls.push_back(url);
  }
  const BatchKey batch = AddBatch(urls);
  std::map<std::string, int> count;
  for (int i = 0; i < 9; ++i) ++count[ClaimUpTo(1, batch)[0].host];
  EXPECT_EQ(count, (std::map<std::string, int>{{"a", 3}, {"b", 3}, {"c", 3}}));
}

TEST_P(JobStoreContract, NoHostGetsMoreThanItsPlaces) {
  std::vector<std::string> urls = Urls("a", 10);
  for (const std::string& url : Urls("b", 1)) urls.push_back(url);
  const BatchKey batch = AddBatch(urls);
  FixedPlaces places(2);
  ExchangeRequest request;
  request.scope.batch = batch;
  request.wanted = 10;
  request.hosts = &places;
  request.now = kNow;
  std::map<std::string, int> count;
  for (const Claim& claim : Exchange(request).claims) ++count[claim.host];
  EXPECT_EQ(count, (std::map<std::string, int>{{"a", 2}, {"b", 1}}));
  EXPECT_TRUE(Exchange(request).claims.empty());
}

TEST_P(JobStoreContract, TwoStoresNeverClaimTheSameImage) {
  const BatchKey batch = AddBatch(Urls("a", 4));
  const std::vector<Claim> mine = ClaimUpTo(2, batch);
  const std::unique_ptr<JobStore> other = world_->OpenStore();
  ExchangeRequest request;
  request.scope.batch = batch;
  request.wanted = 10;
  request.now = kNow;
  const Result<Exchanged> theirs = other->Exchange(request);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(UrlsOf(theirs->claims),
            (std::vector<std::string>{"http://a/3", "http://a/4"}));
}

TEST_P(JobStoreContract, OnlyTheOneBatchOfTheScopeIsClaimed) {
  const BatchKey one = AddBatch(Urls("a", 1), Made("1"));
  const BatchKey two = AddBatch(Urls("a", 1), Made("2"));
  const std::vector<Claim> claims = ClaimUpTo(5, two);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims[0].batch, two);
  EXPECT_EQ(View(one).state, BatchState::kPending);
}

TEST_P(JobStoreContract, ServeClaimsOfBatchesHandedToItInTurn) {
  NewBatch first = Made("1"), third = Made("3");
  first.handed_to_serve = third.handed_to_serve = true;
  const BatchKey one = AddBatch(Urls("a", 50), first);
  AddBatch(Urls("a", 50), Made("2"));
  const BatchKey three = AddBatch(Urls("b", 2), third);
  ExchangeRequest request;
  request.wanted = 6;
  request.now = kNow;
  std::map<BatchKey, int> count;
  for (const Claim& claim : Exchange(request).claims) ++count[claim.batch];
  EXPECT_EQ(count, (std::map<BatchKey, int>{{one, 4}, {three, 2}}));
}

// --- Retries ----------------------------------------------------------------

TEST_P(JobStoreContract, ARetryWaitsUntilItIsDue) {
  const BatchKey batch = AddBatch(Urls("a", 1));
  Report({Retry(ClaimUpTo(1, batch)[0], kNow + 2000, 1)});
  EXPECT_EQ(View(batch).tally.waiting, 1);
  EXPECT_EQ(View(batch).tally.running, 0);
  ExchangeRequest request;
  request.scope.batch = batch;
  request.wanted = 1;
  request.now = kNow + 1999;
  const Exchanged early = Exchange(request);
  EXPECT_TRUE(early.claims.empty());
  EXPECT_EQ(early.next_due, kNow + 2000);
  request.now = kNow + 2000;
  const Exchanged due = Exchange(request);
  ASSERT_EQ(due.claims.size(), 1u);
  EXPECT_EQ(due.claims[0].attempts, 1);
  EXPECT_EQ(due.claims[0].waited_ms, 7);
  EXPECT_FALSE(due.next_due);
  EXPECT_EQ(View(batch).tally.waiting, 0);
  EXPECT_EQ(View(batch).tally.bytes_downloaded, 5);
}

TEST_P(JobStoreContract, RetriesThatAreDueComeBeforeFreshImages) {
  const BatchKey batch = AddBatch(Urls("a", 3));
  const std::vector<Claim> claims = ClaimUpTo(2, batch);
  Report({Retry(claims[0], kNow + 20, 1), Retry(claims[1], kNow + 10, 1)});
  EXPECT_EQ(
      UrlsOf(ClaimUpTo(3, batch, kNow + 20)),
      (std::vector<std::string>{"http://a/2", "http://a/1", "http://a/3"}));
}

TEST_P(JobStoreContract, AClockThatJumpsBackLeavesNothingWaiting) {
  const BatchKey batch = AddBatch(Urls("a", 1));
  Report({Retry(ClaimUpTo(1, batch)[0], kNow + 2000, 1)});
  const WallTime yesterday = kNow - 24 * 60 * kMinute;
  EXPECT_EQ(ClaimUpTo(1, batch, yesterday).size(), 1u);
}

TEST_P(JobStoreContract, AClockThatJumpsForwardMakesRetriesDue) {
  const BatchKey batch = AddBatch(Urls("a", 1));
  Report({Retry(ClaimUpTo(1, batch)[0], kNow + 2000, 1)});
  EXPECT_EQ(ClaimUpTo(1, batch, kNow + 24 * 60 * kMinute).size(), 1u);
}

TEST_P(JobStoreContract, AReleasedImageIsAsIfNeverClaimed) {
  const BatchKey batch = AddBatch(Urls("a", 2));
  const std::vector<Claim> claims = ClaimUpTo(2, batch);
  Report({Released(claims[0]), Retry(claims[1], kNow + 10, 1)});
  EXPECT_EQ(View(batch).tally.running, 0);
  EXPECT_EQ(View(batch).tally.waiting, 1);
  // A waiting one that was claimed waits again when it is released.
  const std::vector<Claim> again = ClaimUpTo(2, batch, kNow + 10);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].attempts, 1);
  EXPECT_EQ(again[1].attempts, 0);
  Report({Released(again[0]), Released(again[1])});
  EXPECT_EQ(View(batch).tally.waiting, 1);
  EXPECT_EQ(View(batch).tally.pending(), 2);
}

TEST_P(JobStoreContract, AllImagesOfADeadHostFailTogether) {
  std::vector<std::string> urls = Urls("dead", 5);
  urls.push_back("http://good/1");
  const BatchKey batch = AddBatch(urls);
  const std::vector<Claim> claims = ClaimUpTo(3, batch);  // dead, good, dead
  std::vector<Outcome> outcomes;
  for (const Claim& claim : claims) {
    if (claim.host == "dead" && outcomes.empty()) {
      outcomes.push_back(Retry(claim, kNow + 9, 1));
    }
  }
  Report(outcomes);
  const HostFailure failure{
      batch, "dead", {FailureCode::kConnectFailed, 0, "never answered"}};
  ExchangeRequest request;
  request.scope.batch = batch;
  request.failed_hosts = std::span(&failure, 1);
  request.now = kNow;
  Exchange(request);
  const BatchView view = View(batch);
  EXPECT_EQ(view.tally.failed, 4);  // The claimed one is its owner's affair.
  EXPECT_EQ(view.tally.running, 2);
  EXPECT_EQ(view.tally.waiting, 0);
  const auto counts = reader_->CountFailures(batch);
  ASSERT_EQ(counts->size(), 1u);
  EXPECT_EQ((*counts)[0].code, FailureCode::kConnectFailed);
  EXPECT_EQ((*counts)[0].count, 4);
}

TEST_P(JobStoreContract, RetryStartsAnotherRoundOfWhatFailed) {
  const BatchKey batch = AddBatch(Urls("a", 3));
  const std::vector<Claim> claims = ClaimUpTo(3, batch);
  Report({Done(claims[0]), Failed(claims[1], FailureCode::kTimeout),
          Failed(claims[2])});
  const Result<int64_t> count =
      store_->Retry(batch, FailureCode::kTimeout, kNow);
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 1);
  const BatchView view = View(batch);
  EXPECT_EQ(view.state, BatchState::kProcessing);
  EXPECT_EQ(view.round, 2);
  EXPECT_EQ(view.finished_at, 0);
  EXPECT_EQ(view.tally.failed, 1);
  const std::vector<Claim> again = ClaimUpTo(3, batch);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].n, 2);
  EXPECT_EQ(again[0].attempts, 0);
  EXPECT_EQ(Report({Done(again[0])}).ended.size(), 1u);
}

TEST_P(JobStoreContract, RetryOfNothingLeavesTheBatchAsItIs) {
  const BatchKey batch = AddBatch(Urls("a", 1));
  Report({Failed(ClaimUpTo(1, batch)[0])});
  const Result<int64_t> count =
      store_->Retry(batch, FailureCode::kTimeout, kNow);
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 0);
  EXPECT_EQ(View(batch).state, BatchState::kCompletedWithErrors);
  EXPECT_EQ(View(batch).round, 1);
}

TEST_P(JobStoreContract, RetryIsRefusedWhileTheBatchIsGoingOn) {
  const BatchKey batch = AddBatch(Urls("a", 1));
  EXPECT_EQ(store_->Retry(batch, std::nullopt, kNow).error().code,
            ErrorCode::kUsage);
}

// --- Fencing ----------------------------------------------------------------

TEST_P(JobStoreContract, OutcomesOfImagesThatAreNotOursChangeNothing) {
  const BatchKey batch = AddBatch(Urls("a", 2));
  const std::vector<Claim> claims = ClaimUpTo(1, batch);
  const std::unique_ptr<JobStore> other = world_->OpenStore();
  const std::vector outcomes{Done(claims[0])};
  ExchangeRequest request;
  request.outcomes = outcomes;
  request.now = kNow;
  ASSERT_TRUE(other->Exchange(request));
  EXPECT_EQ(View(batch).tally.done, 0);
  EXPECT_EQ(View(batch).tally.bytes_downloaded, 0);
  EXPECT_EQ(View(batch).tally.running, 1);
}

TEST_P(JobStoreContract, TheSecondOutcomeOfAClaimChangesNothing) {
  const BatchKey batch = AddBatch(Urls("a", 2));
  const std::vector<Claim> claims = ClaimUpTo(1, batch);
  Report({Done(claims[0]), Done(claims[0]), Failed(claims[0])});
  Report({Retry(claims[0], kNow, 3)});
  EXPECT_EQ(View(batch).tally.done, 1);
  EXPECT_EQ(View(batch).tally.failed, 0);
  EXPECT_EQ(View(batch).tally.waiting, 0);
}

TEST_P(JobStoreContract, ClaimsOfAClosedStoreComeBack) {
  const BatchKey batch = AddBatch(Urls("a", 2));
  ASSERT_EQ(ClaimUpTo(2, batch).size(), 2u);
  store_ = nullptr;
  EXPECT_EQ(View(batch).tally.running, 0);
  store_ = world_->OpenStore();
  const std::vector<Claim> again = ClaimUpTo(2, batch);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].suspects, 0);
}

TEST_P(JobStoreContract, ACancelledBatchIsNeverTouchedAgain) {
  const BatchKey batch = AddBatch(Urls("a", 3));
  const std::vector<Claim> claims = ClaimUpTo(2, batch);
  Report({Done(claims[0])});
  ASSERT_TRUE(store_->Cancel(batch, kNow + 1));
  Report({Done(claims[1])});
  const BatchView view = View(batch);
  EXPECT_EQ(view.state, BatchState::kCancelled);
  EXPECT_EQ(view.finished_at, kNow + 1);
  EXPECT_EQ(view.tally.done, 1);
  EXPECT_EQ(view.tally.running, 0);
  EXPECT_TRUE(ClaimUpTo(5, batch).empty());
  EXPECT_EQ(store_->Cancel(batch, kNow).error().code, ErrorCode::kUsage);
  EXPECT_EQ(store_->Retry(batch, std::nullopt, kNow).error().code,
            ErrorCode::kUsage);
}

TEST_P(JobStoreContract, ABatchCancelledWhileItIsRecordedTakesNoMoreRows) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  ASSERT_TRUE(store_->Cancel(*batch, kNow));
  EXPECT_EQ(store_->Record(*batch, {}, kNow).error().code,
            ErrorCode::kCancelled);
  EXPECT_EQ(store_->Seal(*batch, 0, kNow).error().code, ErrorCode::kCancelled);
}

// --- Reuse ------------------------------------------------------------------

TEST_P(JobStoreContract, AContentIsKnownToBatchesOfTheSameRecipe) {
  const BatchKey one = AddBatch(Urls("a", 1), Made("1"));
  NewBatch finer = Made("2");
  finer.recipe_fingerprint = "fedcba9876543210";
  const BatchKey two = AddBatch(Urls("a", 1), finer);
  Report({Done(ClaimUpTo(1, one)[0], "picture")});
  const std::vector<ContentLookup> lookups{{one, HashOf("source of picture")},
                                           {two, HashOf("source of picture")},
                                           {one, HashOf("source of another")}};
  ExchangeRequest request;
  request.lookups = lookups;
  request.now = kNow;
  const Exchanged exchanged = Exchange(request);
  ASSERT_EQ(exchanged.known.size(), 3u);
  ASSERT_TRUE(exchanged.known[0]);
  EXPECT_EQ(exchanged.known[0]->key, ToHex(HashOf("picture")) + ".jpg");
  EXPECT_EQ(exchanged.known[0]->bytes, 400u);
  EXPECT_EQ(exchanged.known[0]->width, 30u);
  EXPECT_EQ(exchanged.known[0]->height, 20u);
  EXPECT_FALSE(exchanged.known[1]);
  EXPECT_FALSE(exchanged.known[2]);
}

TEST_P(JobStoreContract, TheNextBatchKnowsWhatAUrlAnswered) {
  const BatchKey one = AddBatch(Urls("a", 2), Made("1"));
  const std::vector<Claim> claims = ClaimUpTo(2, one);
  Outcome done = Done(claims[0], "picture");
  std::get<ImageDone>(done.what).etag = "\"v1\xFF\"";
  std::get<ImageDone>(done.what).last_modified = "yesterday";
  Report({done, Done(claims[1], "another")});
  const BatchKey two = AddBatch(Urls("a", 2), Made("2"));
  const std::vector<Claim> again = ClaimUpTo(2, two);
  ASSERT_EQ(again.size(), 2u);
  ASSERT_TRUE(again[0].known);
  EXPECT_EQ(again[0].known->etag, "\"v1\xFF\"");
  EXPECT_EQ(again[0].known->last_modified, "yesterday");
  EXPECT_EQ(again[0].known->source_hash, HashOf("source of picture"));
  EXPECT_EQ(again[0].known->source_bytes, 1000u);
  EXPECT_EQ(again[0].known->content->key, ToHex(HashOf("picture")) + ".jpg");
  EXPECT_FALSE(again[1].known) << "nothing to ask the origin with";
}

TEST_P(JobStoreContract, TheTallyTellsHowAndHowMuch) {
  const BatchKey batch = AddBatch(Urls("a", 4));
  const std::vector<Claim> claims = ClaimUpTo(4, batch);
  Report({Done(claims[0], "1"), Done(claims[1], "2", DoneHow::kKeptOriginal),
          Done(claims[2], "3", DoneHow::kReused), Failed(claims[3])});
  const Tally tally = View(batch).tally;
  EXPECT_EQ(tally.total, 4);
  EXPECT_EQ(tally.done, 3);
  EXPECT_EQ(tally.failed, 1);
  EXPECT_EQ(tally.recompressed, 1);
  EXPECT_EQ(tally.kept_original, 1);
  EXPECT_EQ(tally.reused, 1);
  EXPECT_EQ(tally.bytes_downloaded, 3010);
  EXPECT_EQ(tally.bytes_source, 3000);
  EXPECT_EQ(tally.bytes_stored, 1200);
}

// --- Reading ----------------------------------------------------------------

TEST_P(JobStoreContract, CellsComeInInputOrderWithWhatBecameOfThem) {
  const Result<BatchKey> batch = store_->CreateBatch(Made("1"), kNow);
  ASSERT_TRUE(store_->Record(
      *batch,
      std::vector{Row(1, {Cell(1, "http://a/1", "one"), Cell(2, "http://a/2")}),
                  Row(2, {}), Row(3, {Cell(1, "http://a/1")})},
      kNow));
  const std::vector<Claim> claims = ClaimUpTo(2, *batch);
  Report({Done(claims[0], "picture"), Failed(claims[1])});
  const auto first = reader_->ReadCells(*batch, {}, 2, false);
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ((*first)[0].stem, "one");
  EXPECT_EQ((*first)[0].state, ImageState::kDone);
  EXPECT_EQ((*first)[0].content->key, ToHex(HashOf("picture")) + ".jpg");
  EXPECT_FALSE((*first)[0].failure);
  EXPECT_EQ((*first)[1].place, 2);
  EXPECT_EQ((*first)[1].failure->http_status, 404);
  EXPECT_EQ((*first)[1].attempts, 1);
  EXPECT_FALSE((*first)[1].content);
  const auto rest = reader_->ReadCells(*batch, {1, 2}, 10, false);
  ASSERT_EQ(rest->size(), 1u);
  EXPECT_EQ((*rest)[0].row, 3);
  EXPECT_EQ((*rest)[0].n, 1);
  const auto failed = reader_->ReadCells(*batch, {}, 10, true);
  ASSERT_EQ(failed->size(), 1u);
  EXPECT_EQ((*failed)[0].n, 2);
}

TEST_P(JobStoreContract, FailuresAreCountedMostFrequentFirst) {
  const BatchKey batch = AddBatch(Urls("a", 3));
  const std::vector<Claim> claims = ClaimUpTo(3, batch);
  Report({Failed(claims[0], FailureCode::kTimeout), Failed(claims[1]),
          Failed(claims[2])});
  const auto counts = reader_->CountFailures(batch);
  ASSERT_EQ(counts->size(), 2u);
  EXPECT_EQ((*counts)[0].code, FailureCode::kHttpError);
  EXPECT_EQ((*counts)[0].count, 2);
  EXPECT_EQ((*counts)[1].code, FailureCode::kTimeout);
}

TEST_P(JobStoreContract, BatchesAreListedNewestFirst) {
  const BatchKey one = AddBatch({}, Made("1"));
  const BatchKey two = AddBatch({}, Made("2"));
  const BatchKey three = AddBatch({}, Made("3"));
  const auto newest = reader_->ListBatches(2, std::nullopt);
  ASSERT_EQ(newest->size(), 2u);
  EXPECT_EQ((*newest)[0].key, three);
  EXPECT_EQ((*newest)[1].key, two);
  const auto before = reader_->ListBatches(10, two);
  ASSERT_EQ(before->size(), 1u);
  EXPECT_EQ((*before)[0].key, one);
}

TEST_P(JobStoreContract, ABatchIsFoundByItsNames) {
  EXPECT_EQ(reader_->FindBatch("latest").error().code, ErrorCode::kNotFound);
  AddBatch({}, Made("1"));
  const BatchKey two = AddBatch({}, Made("2"));
  EXPECT_EQ(reader_->FindBatch("latest")->key, two);
  EXPECT_EQ(reader_->FindBatch("0002")->key, two);
  EXPECT_EQ(reader_->FindBatch(Made("2").uuid)->key, two);
  EXPECT_EQ(reader_->FindBatch("0190").error().code, ErrorCode::kUsage);
  EXPECT_EQ(reader_->FindBatch("ffff").error().code, ErrorCode::kNotFound);
}

TEST_P(JobStoreContract, ABatchIsFoundByItsIdentity) {
  const BatchKey one = AddBatch(Urls("a", 1), Made("1"));
  EXPECT_EQ((*reader_->FindByIdentity("identity-1", true))->key, one);
  EXPECT_FALSE(reader_->FindByIdentity("identity-2", false)->has_value());
  const BatchKey two = AddBatch({}, Made("2"));
  EXPECT_EQ((*reader_->FindByIdentity("", false))->key, two);
  ASSERT_TRUE(store_->NoteReported(two, 1));
  EXPECT_EQ((*reader_->FindByIdentity("", true))->key, one);
  Report({Done(ClaimUpTo(1, one)[0])});
  ASSERT_TRUE(store_->NoteReported(one, 1));
  EXPECT_FALSE(reader_->FindByIdentity("identity-1", true)->has_value());
  EXPECT_TRUE(reader_->FindByIdentity("identity-1", false)->has_value());
}

TEST_P(JobStoreContract, ABatchIsUnfinishedUntilItsOutputIsWritten) {
  const BatchKey batch = AddBatch(Urls("a", 1), Made("1"));
  Report({Failed(ClaimUpTo(1, batch)[0])});
  EXPECT_TRUE(reader_->FindByIdentity("identity-1", true)->has_value());
  ASSERT_TRUE(store_->NoteReported(batch, 1));
  EXPECT_FALSE(reader_->FindByIdentity("identity-1", true)->has_value());
  // Another round owes another output.
  ASSERT_TRUE(store_->Retry(batch, std::nullopt, kNow));
  Report({Done(ClaimUpTo(1, batch)[0])});
  EXPECT_TRUE(reader_->FindByIdentity("identity-1", true)->has_value());
  ASSERT_TRUE(store_->NoteReported(batch, 2));
  EXPECT_FALSE(reader_->FindByIdentity("identity-1", true)->has_value());
}

TEST_P(JobStoreContract, ServeOwesNoOutput) {
  NewBatch made = Made("1");
  made.handed_to_serve = true;
  const BatchKey batch = AddBatch(Urls("a", 1), made);
  Report({Done(ClaimUpTo(1, batch)[0])});
  EXPECT_FALSE(reader_->FindByIdentity("identity-1", true)->has_value());
}

}  // namespace imgbatch
