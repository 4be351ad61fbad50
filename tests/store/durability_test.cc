// Durability is an order: what a row says must be on the disk before the row.
// Held against the log of the calls of a small run.
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/posix.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/worker_process.h"

namespace imgbatch {
namespace {

struct Call {
  std::string name;
  std::string path;
};

std::vector<Call> CallsOfARun(const std::string& folder) {
  const std::string log = folder + "/calls";
  EXPECT_EQ(RunWorker(folder + "/work", {"", log}).status, 0);
  std::vector<Call> calls;
  std::istringstream lines(ContentsOf(log));
  for (std::string number, name, path; lines >> number >> name;) {
    std::getline(lines, path);
    calls.push_back({name, path.empty() ? path : path.substr(1)});
  }
  return calls;
}

bool IsSync(const Call& call) {
  return call.name == "fsync" || call.name == "fdatasync";
}

bool IsCommit(const Call& call) {
  return IsSync(call) && call.path.ends_with("imgbatch.db-wal");
}

class Durability : public testing::Test {
 protected:
  TemporaryFolder folder_{QuickFolder()};
  const std::vector<Call> calls_ = CallsOfARun(folder_.path());
};

TEST_F(Durability, NamesAreDurableBeforeTheNextCommit) {
  std::set<std::string> unsynced;  // Directories with new entries.
  int names = 0;
  for (const Call& call : calls_) {
    const bool named =
        call.name == "linkat" || call.name == "link" || call.name == "rename";
    if (named) {
      unsynced.insert(ParentOf(call.path));
      ++names;
    }
    if (IsSync(call)) unsynced.erase(call.path);
    if (IsCommit(call)) {
      EXPECT_THAT(unsynced, testing::IsEmpty()) << "a row says more than is";
    }
  }
  EXPECT_GT(names, 20);
  EXPECT_THAT(unsynced, testing::IsEmpty()) << "at the end";
}

TEST_F(Durability, FilesAreDurableBeforeTheyAreNamed) {
  std::set<std::string> dirty;  // Written and not synced.
  for (const Call& call : calls_) {
    const bool of_database =
        call.path.find("imgbatch.db") != std::string::npos &&
        call.path.find(".files") == std::string::npos;
    if (of_database || call.path.find("/owners/") != std::string::npos ||
        call.path.find("/locks/") != std::string::npos) {
      continue;
    }
    if (call.name == "write" || call.name == "pwrite" ||
        call.name == "copy_file_range") {
      dirty.insert(call.path);
    }
    if (IsSync(call)) dirty.erase(call.path);
    if (call.name == "linkat" || call.name == "link" || call.name == "rename") {
      EXPECT_THAT(dirty, testing::IsEmpty()) << call.name << " " << call.path;
    }
  }
}

TEST_F(Durability, TheFoldersOfTheStoreAreDurableBeforeTheFirstCommit) {
  std::set<std::string> made;
  for (const Call& call : calls_) {
    if (call.name == "mkdir" && call.path.find(".files") < call.path.size()) {
      made.insert(ParentOf(call.path));
    }
    if (IsSync(call)) made.erase(call.path);
    if (IsCommit(call)) break;
  }
  EXPECT_THAT(made, testing::IsEmpty());
}

}  // namespace
}  // namespace imgbatch
