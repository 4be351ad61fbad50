#include "store/claiming.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "store/image_keys.h"
#include "store/outcomes.h"

namespace imgbatch {
namespace {

// An image whose decoding killed the process so often is given up (product).
constexpr int kMaxSuspects = 3;
constexpr size_t kMaxCachedHosts = 20'000;
// Hosts without a free place per call; about 2 ms.
constexpr int kMaxRefusals = 1000;

// The first host of the batch after `after` that has something unclaimed; 0:
// none. One seek in the index, however many images a host has.
int64_t NextHost(Database& database, BatchKey batch, int64_t after) {
  return database.Value(
      "SELECT host FROM image WHERE batch = ? AND host > ? AND state = 0"
      " AND claim IS NULL ORDER BY host LIMIT 1",
      batch, after);
}

// The next image of the host, 0 when none may be taken now.
int64_t NextImage(Database& database, BatchKey batch, int64_t host,
                  bool has_waiting, WallTime now) {
  if (has_waiting) {
    int64_t image = database.Value(
        "SELECT id FROM image WHERE batch = ? AND host = ? AND state = 0"
        " AND claim IS NULL AND due > 0 AND due <= ? ORDER BY due LIMIT 1",
        batch, host, now);
    if (image != 0) return image;
    image = database.Value(
        "SELECT id FROM image WHERE batch = ? AND host = ? AND state = 0"
        " AND claim IS NULL AND due > ? ORDER BY due LIMIT 1",
        batch, host, std::max<WallTime>(now, 0) + kMaxDelayMs);
    if (image != 0) return image;
  }
  return database.Value(
      "SELECT id FROM image WHERE batch = ? AND host = ? AND state = 0"
      " AND claim IS NULL AND due = 0 ORDER BY id LIMIT 1",
      batch, host);
}

CellName NameFrom(const Query& query) {
  return {query.Int(0), static_cast<int32_t>(query.Int(1)), query.Text(2)};
}

std::vector<CellName> NamesOf(Database& database, ImageKey image,
                              int64_t first_row, int64_t first_place) {
  std::vector<CellName> names;
  {
    Query first(database,
                "SELECT row, place, stem FROM cell"
                " WHERE batch = ? AND row = ? AND place = ?",
                BatchOf(image), first_row, first_place);
    if (first.Next()) names.push_back(NameFrom(first));
  }
  for (Query again(database,
                   "SELECT row, place, stem FROM cell WHERE image = ?"
                   " AND repeats = 1 ORDER BY row, place LIMIT ?",
                   image, kMaxNamesPerClaim - 1);
       again.Next();) {
    names.push_back(NameFrom(again));
  }
  return names;
}

std::optional<KnownSource> FindSource(Database& database,
                                      const std::string& url,
                                      const std::string& fingerprint) {
  KnownSource known;
  {
    const std::string key = UrlHash(url);
    Query query(
        database,
        "SELECT etag, last_modified, source_hash, source_bytes"
        " FROM source WHERE url_hash = ?",
        std::span(reinterpret_cast<const uint8_t*>(key.data()), key.size()));
    if (!query.Next()) return std::nullopt;
    known.etag = query.Text(0);
    known.last_modified = query.Text(1);
    known.source_hash = query.Hash(2);
    known.source_bytes = query.As<uint64_t>(3);
  }
  known.content = FindContent(database, known.source_hash, fingerprint);
  return known;
}

}  // namespace

std::vector<Claim> Claimer::Take(Database& database, Ledger& ledger,
                                 const ExchangeRequest& request,
                                 int64_t owner) {
  std::vector<Claim> claims;
  std::vector<Turn> turns = TurnsOf(database, request.scope);
  const bool will_come_again = database.Value(
      "SELECT EXISTS (SELECT 1 FROM image WHERE claim = ?)", owner);
  looks_left_ = will_come_again ? kMaxRefusals : INT_MAX;
  // Batches take turns, image by image; one that has nothing left drops out.
  for (size_t at = 0; !turns.empty() && !database.failed() &&
                      claims.size() < static_cast<size_t>(request.wanted);) {
    at %= turns.size();
    if (TakeOne(database, ledger, request, owner, turns[at], claims)) {
      last_batch_ = turns[at++].batch;
    } else {
      turns.erase(turns.begin() + static_cast<ptrdiff_t>(at));
    }
  }
  return claims;
}

std::optional<WallTime> Claimer::NextDue(Database& database, const Scope& scope,
                                         WallTime now) {
  constexpr WallTime kNever = INT64_MAX;
  const auto of = [&](BatchKey batch) {
    return database.Value(
        "SELECT coalesce(min(due), 9223372036854775807) FROM image"
        " WHERE batch = ? AND state = 0 AND claim IS NULL AND due > 0"
        " AND due > ? AND due <= ?",
        batch, now, std::max<WallTime>(now, 0) + kMaxDelayMs);
  };
  WallTime first = kNever;
  if (scope.batch) {
    first = of(*scope.batch);
  } else {
    for (Query query(database,
                     "SELECT id FROM batch WHERE handed_to_serve = 1"
                     " AND state < 2 AND waiting > 0");
         query.Next();) {
      first = std::min(first, of(query.As<BatchKey>(0)));
    }
  }
  if (first == kNever || database.failed()) return std::nullopt;
  return first;
}

std::vector<Claimer::Turn> Claimer::TurnsOf(Database& database,
                                            const Scope& scope) {
  std::vector<Turn> turns;
  const auto add = [&turns](const Query& query) {
    turns.push_back({query.As<BatchKey>(0), query.Text(1), query.Int(2) != 0});
  };
  if (scope.batch) {
    Query query(database,
                "SELECT id, recipe_fingerprint, waiting > 0 FROM batch"
                " WHERE id = ? AND state < 2",
                *scope.batch);
    if (query.Next()) add(query);
    return turns;
  }
  for (Query query(database,
                   "SELECT id, recipe_fingerprint, waiting > 0 FROM batch"
                   " WHERE handed_to_serve = 1 AND state < 2"
                   " AND done + failed + running < total ORDER BY id");
       query.Next();) {
    add(query);
  }
  const auto next = std::find_if(
      turns.begin(), turns.end(),
      [this](const Turn& turn) { return turn.batch > last_batch_; });
  std::rotate(turns.begin(), next, turns.end());
  return turns;
}

// Goes once round the hosts, beginning after the one that was served last.
bool Claimer::TakeOne(Database& database, Ledger& ledger,
                      const ExchangeRequest& request, int64_t owner,
                      const Turn& turn, std::vector<Claim>& claims) {
  const int64_t begin = last_host_[turn.batch];
  int64_t host = begin;
  for (bool wrapped = false; !database.failed();) {
    const int64_t next = NextHost(database, turn.batch, host);
    if (next == 0 && !wrapped) {
      wrapped = true;
      host = 0;
      continue;
    }
    if (next != 0 && next <= host) {
      // Only a damaged index goes backwards; we would go in circles.
      database.FailDamaged();
      return false;
    }
    host = next;
    if (host == 0 || (wrapped && host > begin)) return false;
    if (looks_left_ <= 0) {
      last_host_[turn.batch] = host - 1;  // Goes on here next time.
      return false;
    }
    if (request.hosts != nullptr &&
        request.hosts->Free(HostName(database, host)) <= 0) {
      --looks_left_;
      continue;
    }
    if (TakeFrom(database, ledger, request, owner, turn, host, claims)) {
      last_host_[turn.batch] = host;
      looks_left_ = std::min(looks_left_, kMaxRefusals);
      return true;
    }
    --looks_left_;  // Everything of it waits.
  }
  return false;
}

bool Claimer::TakeFrom(Database& database, Ledger& ledger,
                       const ExchangeRequest& request, int64_t owner,
                       const Turn& turn, int64_t host,
                       std::vector<Claim>& claims) {
  for (;;) {
    const auto image = static_cast<ImageKey>(
        NextImage(database, turn.batch, host, turn.has_waiting, request.now));
    if (image == ImageKey{}) return false;
    Claim claim;
    int64_t first_row = 0, first_place = 0;
    bool waited = false;
    {
      Query query(database,
                  "SELECT url, attempts, suspects, waited_ms, first_row,"
                  " first_place, due > 0 FROM image"
                  " WHERE id = ? AND state = 0 AND claim IS NULL",
                  image);
      if (!query.Next()) {
        database.FailDamaged();  // The index names what the table has not.
        return false;
      }
      claim.url = query.Text(0);
      claim.attempts = query.As<int>(1);
      claim.suspects = query.As<int>(2);
      claim.waited_ms = query.Int(3);
      first_row = query.Int(4);
      first_place = query.Int(5);
      waited = query.Int(6) != 0;
    }
    Tally& tally = ledger.Of(turn.batch);
    if (waited) --tally.waiting;
    if (claim.suspects >= kMaxSuspects) {
      StoreFailure(database, image,
                   {FailureCode::kCrashed, 0,
                    "decoding it ended the process " +
                        std::to_string(claim.suspects) + " times"},
                   claim.attempts);
      ++tally.failed;
      continue;
    }
    database.Run("UPDATE image SET claim = ? WHERE id = ?", owner, image);
    ++tally.running;
    claim.image = image;
    claim.batch = turn.batch;
    claim.n = NumberOf(image);
    claim.host = HostName(database, host);
    claim.known = FindSource(database, claim.url, turn.fingerprint);
    claim.names = NamesOf(database, image, first_row, first_place);
    if (request.hosts != nullptr) request.hosts->Take(claim.host);
    claims.push_back(std::move(claim));
    return true;
  }
}

const std::string& Claimer::HostName(Database& database, int64_t host) {
  const auto known = host_names_.find(host);
  if (known != host_names_.end()) return known->second;
  if (host_names_.size() >= kMaxCachedHosts) host_names_.clear();
  Query query(database, "SELECT name FROM host WHERE id = ?", host);
  return host_names_[host] = query.Next() ? query.Text(0) : std::string();
}

}  // namespace imgbatch
