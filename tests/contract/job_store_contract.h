// What every implementation of JobStore and JobReader must do. Instantiate it
// with a function that makes an empty world:
//   INSTANTIATE_TEST_SUITE_P(Name, JobStoreContract, Values(&MakeWorld));
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/job_reader.h"
#include "core/job_store.h"

namespace imgbatch {

// One empty database and the ways into it.
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  virtual std::unique_ptr<JobStore> OpenStore() = 0;
  virtual std::unique_ptr<JobReader> OpenReader() = 0;
  // Rows of the outbox for the batch.
  virtual int64_t CountEvents(BatchKey batch) = 0;
};

class JobStoreContract
    : public testing::TestWithParam<std::unique_ptr<StoreWorld> (*)()> {
 protected:
  // Any moment; tests go on from here.
  static constexpr WallTime kNow = 1'700'000'000'000;

  void SetUp() override;

  // A valid cell whose host is what stands between "//" and "/".
  static CellRecord Cell(int32_t place, const std::string& url,
                         const std::string& stem = "");
  static RowRecord Row(int64_t row, std::vector<CellRecord> cells);
  // A batch with one row and cell per URL, sealed.
  BatchKey AddBatch(const std::vector<std::string>& urls,
                    const NewBatch& made = Made("1"));
  // A batch's description; `digit` makes its id.
  static NewBatch Made(const std::string& digit);

  // Exchanges that must succeed.
  Exchanged Exchange(const ExchangeRequest& request);
  std::vector<Claim> ClaimUpTo(int wanted, BatchKey batch, WallTime now = kNow);
  Exchanged Report(const std::vector<Outcome>& outcomes, WallTime now = kNow);

  static Outcome Done(const Claim& claim, const std::string& content = "x",
                      DoneHow how = DoneHow::kRecompressed);
  static Outcome Failed(const Claim& claim,
                        FailureCode code = FailureCode::kHttpError);
  static Outcome Retry(const Claim& claim, WallTime due, int attempts);
  static Outcome Released(const Claim& claim);

  BatchView View(BatchKey batch);

  std::unique_ptr<StoreWorld> world_;
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<JobReader> reader_;
};

}  // namespace imgbatch
