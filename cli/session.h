// What the working commands share: the store opened for writing, its pool and
// its folders. The only file that names concrete stores, pools and clients.
#pragma once

#include <memory>
#include <string>

#include "cli/config.h"
#include "core/clock.h"
#include "core/codec.h"
#include "core/http_client.h"
#include "core/image_pool.h"
#include "core/job_reader.h"
#include "core/job_store.h"
#include "store/local_pool.h"
#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"
#include "store/store_paths.h"

namespace imgbatch {

class Session {
 public:
  // Opens the store of `config`, making it where there is none.
  static Result<std::unique_ptr<Session>> Open(const ProcessConfig& config);

  const StorePaths& paths() const { return paths_; }
  JobStore& store() { return *store_; }
  JobReader& reader() { return *reader_; }
  ImagePool& pool() { return *pool_; }
  DecodeJournal& journal() { return store_->journal(); }
  const Clock& clock() const { return clock_; }

  // Absolute path of something that is kept beside the store.
  std::string KeptPath(const std::string& relative) const {
    return paths_.files + "/" + relative;
  }

 private:
  explicit Session(StorePaths paths) : paths_(std::move(paths)) {}

  SystemClock clock_;
  StorePaths paths_;
  std::unique_ptr<SqliteJobStore> store_;
  std::unique_ptr<SqliteJobReader> reader_;
  std::unique_ptr<LocalPool> pool_;
};

// A store that is only looked at. kNotFound when there is none.
Result<std::unique_ptr<JobReader>> OpenReader(const std::string& store);

Result<std::unique_ptr<HttpClient>> MakeHttpClient(const ProcessConfig& config);
std::unique_ptr<Codec> MakeCodec(const Settings& settings);

}  // namespace imgbatch
