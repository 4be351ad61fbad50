// The contracts of the ports, held against every implementation.
#include <fstream>
#include <iterator>
#include <memory>

#include "store/local_pool.h"
#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"
#include "tests/contract/image_pool_contract.h"
#include "tests/contract/job_store_contract.h"
#include "tests/support/memory_job_store.h"
#include "tests/support/memory_pool.h"
#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

class SqliteWorld final : public StoreWorld {
 public:
  std::unique_ptr<JobStore> OpenStore() override {
    Result<std::unique_ptr<SqliteJobStore>> store =
        SqliteJobStore::Open(paths_, 1);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
  }
  std::unique_ptr<JobReader> OpenReader() override {
    Result<std::unique_ptr<SqliteJobReader>> reader =
        SqliteJobReader::Open(paths_);
    EXPECT_TRUE(reader) << (reader ? "" : reader.error().message);
    return reader ? *std::move(reader) : nullptr;
  }
  int64_t CountEvents(BatchKey batch) override {
    const auto database =
        Database::Open(paths_, Database::Use::kRead, DatabaseLimits{});
    return (*database)->Value("SELECT count(*) FROM outbox WHERE batch = ?",
                              batch);
  }

 private:
  TemporaryFolder folder_;
  StorePaths paths_{folder_ / "state/imgbatch.db"};
};

class MemoryWorld final : public StoreWorld {
 public:
  std::unique_ptr<JobStore> OpenStore() override {
    return std::make_unique<MemoryJobStore>(database_);
  }
  std::unique_ptr<JobReader> OpenReader() override {
    return std::make_unique<MemoryJobReader>(database_);
  }
  int64_t CountEvents(BatchKey batch) override {
    int64_t count = 0;
    for (const auto& [of, round] : database_.outbox) {
      count += of == static_cast<int64_t>(batch);
    }
    return count;
  }

 private:
  MemoryDatabase database_;
};

class LocalPoolWorld final : public PoolWorld {
 public:
  ImagePool& pool() override { return *pool_; }
  std::string NameFor(const std::string& name) override {
    return folder_ / name;
  }
  std::string Published(const std::string& path) override {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<LocalPool> pool_ = *LocalPool::Create(folder_ / "pool");
};

class MemoryPoolWorld final : public PoolWorld {
 public:
  ImagePool& pool() override { return pool_; }
  std::string NameFor(const std::string& name) override { return name; }
  std::string Published(const std::string& path) override {
    const Result<std::vector<uint8_t>> bytes = pool_.Published(path);
    return bytes ? std::string(bytes->begin(), bytes->end()) : std::string();
  }

 private:
  MemoryPool pool_;
};

template <typename Port, typename World>
std::unique_ptr<Port> Make() {
  return std::make_unique<World>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreContract,
                         testing::Values(&Make<StoreWorld, SqliteWorld>));
INSTANTIATE_TEST_SUITE_P(Memory, JobStoreContract,
                         testing::Values(&Make<StoreWorld, MemoryWorld>));
INSTANTIATE_TEST_SUITE_P(Local, ImagePoolContract,
                         testing::Values(&Make<PoolWorld, LocalPoolWorld>));
INSTANTIATE_TEST_SUITE_P(Memory, ImagePoolContract,
                         testing::Values(&Make<PoolWorld, MemoryPoolWorld>));

}  // namespace
}  // namespace imgbatch
