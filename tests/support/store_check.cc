#include "tests/support/store_check.h"

#include <sys/stat.h>

#include "store/database.h"

namespace imgbatch {
namespace {

struct Rule {
  const char* broken;      // What it means when a row comes back.
  const char* violations;  // One text column.
};

constexpr Rule kRules[] = {
    {"counters are not what the images say",
     "SELECT uuid FROM batch LEFT JOIN (SELECT batch AS of, count(*) AS n,"
     " sum(state = 1) AS ok, sum(state = 2) AS bad,"
     " sum(claim IS NOT NULL) AS claimed,"
     " sum(state = 0 AND claim IS NULL AND due > 0) AS late,"
     " sum(how IS 0) AS made, sum(how IS 1) AS kept, sum(how IS 2) AS again"
     " FROM image GROUP BY 1) ON of = id"
     " WHERE total <> coalesce(n, 0) OR done <> coalesce(ok, 0)"
     " OR failed <> coalesce(bad, 0) OR running <> coalesce(claimed, 0)"
     " OR waiting <> coalesce(late, 0) OR recompressed <> coalesce(made, 0)"
     " OR kept_original <> coalesce(kept, 0) OR reused <> coalesce(again, 0)"},
    {"a done image has no content",
     "SELECT url FROM image LEFT JOIN content ON content.id = image.content"
     " WHERE state = 1 AND content.id IS NULL"},
    {"a claim has no owner",
     "SELECT url FROM image LEFT JOIN owner ON owner.id = image.claim"
     " WHERE claim IS NOT NULL AND owner.id IS NULL"},
    {"a cell has no image",
     "SELECT cell.row FROM cell LEFT JOIN image ON image.id = cell.image"
     " WHERE image.id IS NULL"},
    {"an image has no first cell, or more than one",
     "SELECT image.url FROM image WHERE 1 <> (SELECT count(*) FROM cell"
     " WHERE batch = image.batch AND row = first_row AND place = first_place"
     " AND cell.image = image.id AND repeats = 0)"},
    {"two cells have one name",
     "SELECT stem FROM cell WHERE stem IS NOT NULL"
     " GROUP BY batch, stem HAVING count(*) > 1"},
    {"an ended batch with a webhook has no event",
     "SELECT uuid FROM batch LEFT JOIN outbox ON outbox.batch = batch.id"
     " AND outbox.round = batch.round WHERE webhook_url <> ''"
     " AND batch.state IN (2, 3) AND outbox.id IS NULL"},
    {"a batch has not ended with its last image",
     "SELECT uuid FROM batch WHERE sealed = 1 AND state < 2"
     " AND done + failed = total"},
    {"SQLite's integrity check complains",
     "SELECT integrity_check FROM pragma_integrity_check"
     " WHERE integrity_check <> 'ok'"},
};

}  // namespace

std::vector<std::string> FindFaults(const StorePaths& paths) {
  Result<std::unique_ptr<Database>> opened =
      Database::Open(paths, Database::Use::kRead, DatabaseLimits{});
  if (!opened) return {opened.error().message};
  Database& database = **opened;
  std::vector<std::string> faults;
  for (const Rule& rule : kRules) {
    for (Query query(database, rule.violations); query.Next();) {
      faults.push_back(std::string(rule.broken) + ": " + query.Text(0));
    }
  }
  for (Query query(database, "SELECT pool_key, bytes FROM content");
       query.Next();) {
    const std::string key = query.Text(0);
    struct stat status;
    if (stat((paths.Pool() + "/" + key.substr(0, 2) + "/" + key).c_str(),
             &status) != 0 ||
        status.st_size != query.Int(1)) {
      faults.push_back("a content is not in the pool: " + key);
    }
  }
  const Result<void> result = database.TakeResult();
  if (!result) faults.push_back(result.error().message);
  return faults;
}

}  // namespace imgbatch
