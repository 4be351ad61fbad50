// Where a store keeps what: the database and the folder beside it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace imgbatch {

struct StorePaths {
  explicit StorePaths(std::string database_path)
      : database(std::move(database_path)), files(database + ".files") {}

  std::string database;  // As given with --store.
  std::string files;     // "<database>.files".

  std::string Pool() const { return files + "/pool"; }
  std::string Inputs() const { return files + "/inputs"; }
  std::string Owners() const { return files + "/owners"; }
  std::string Temporary() const { return files + "/tmp"; }
  // Held exclusively around each write transaction and each checkpoint.
  std::string WriterLock() const { return files + "/locks/writer.lock"; }
  // A lock with a name: of a batch, of an output file. Any bytes will do.
  std::string NamedLock(std::string_view name) const;
  // Held by the owner of claims for as long as its process lives.
  std::string OwnerLock(int64_t owner) const;
  // What the owner's workers are decoding right now.
  std::string OwnerJournal(int64_t owner) const;
};

enum class NetworkFilesystem { kRefuse, kAllow };

// Creates what is missing: the database's directory and the files folder (for
// their owner only), not the database. Fails with kStore on a filesystem that
// is shared over a network, where SQLite's log cannot work.
Result<void> PrepareFolders(
    const StorePaths& paths,
    NetworkFilesystem network = NetworkFilesystem::kRefuse);

}  // namespace imgbatch
