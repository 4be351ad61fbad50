#include "store/sweep.h"

#include <charconv>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

namespace imgbatch {
namespace {

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end;
       !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  return names;
}

void SweepOwners(Database& database) {
  const std::string folder = database.paths().Owners();
  for (const std::string& name : NamesIn(folder)) {
    int64_t id = 0;  // "17.lock" or "17.decoding"
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, id);
    if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.') {
      continue;
    }
    if (database.Value("SELECT count(*) FROM owner WHERE id = ?", id) == 0 &&
        !database.failed()) {
      unlink((folder + "/" + name).c_str());
    }
  }
}

void SweepInputs(Database& database, const std::vector<std::string>& names,
                 int64_t self) {
  // As a rule nothing is left over; no need to ask for every name then.
  const auto inputs = static_cast<int64_t>(names.size());
  if (database.Value("SELECT count(*) FROM batch") >= inputs) return;
  if (database.Value("SELECT count(*) FROM owner WHERE id <> ?", self) > 0) {
    return;
  }
  for (const std::string& name : names) {
    // "<uuid>.csv", or with ".part" while it was copied.
    const std::string uuid = name.substr(0, name.find('.'));
    if (database.Value("SELECT count(*) FROM batch WHERE uuid = ?", uuid) ==
            0 &&
        !database.failed()) {
      unlink((database.paths().Inputs() + "/" + name).c_str());
    }
  }
}

}  // namespace

void SweepFiles(Database& database, int64_t self) {
  // Read before the transaction begins: an input that somebody keeps from now
  // on is not among them, and whoever kept one of them is an owner by then.
  const std::vector<std::string> inputs = NamesIn(database.paths().Inputs());
  // Owners make their files in the transaction that adds their row.
  Transaction transaction(database);
  SweepOwners(database);
  SweepInputs(database, inputs, self);
  (void)transaction.Commit();
}

}  // namespace imgbatch
