#include "store/check.h"

#include <sys/stat.h>

#include "store/database.h"
#include "store/locks.h"
#include "store/schema.h"

namespace imgbatch {
namespace {

int64_t SizeOf(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

}  // namespace

Result<StoreHealth> CheckStore(const StorePaths& paths, Milliseconds limit) {
  StoreHealth health;
  Result<std::unique_ptr<Database>> opened =
      Database::Open(paths, Database::Use::kRead, DatabaseLimits{});
  if (!opened) return opened.error();
  Database& database = **opened;
  const Result<void> prepared = PrepareSchema(database, Database::Use::kRead);
  if (!prepared) return prepared.error();
  health.schema =
      static_cast<int>(database.Value("SELECT * FROM pragma_user_version"));
  health.database_bytes = SizeOf(paths.database);
  health.log_bytes = SizeOf(paths.database + "-wal");
  for (Query query(database, "SELECT id, pid FROM owner"); query.Next();) {
    if (FileLock::IsHeld(paths.OwnerLock(query.Int(0)))) {
      health.owners.push_back(query.As<int>(1));
    }
  }
  database.LimitTime(limit);
  for (Query query(database, "SELECT * FROM pragma_quick_check");
       query.Next();) {
    if (query.Text(0) != "ok") health.problems.push_back(query.Text(0));
  }
  database.LimitTime(Milliseconds{0});
  const Result<void> result = database.TakeResult();
  if (!result && result.error().code == ErrorCode::kCancelled) {
    health.complete = false;
  } else if (!result) {
    health.problems.push_back(result.error().message);
  }
  return health;
}

}  // namespace imgbatch
