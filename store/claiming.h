// Which images are worked on next: fair between batches and hosts, as polite
// as HostPlaces says, retries that are due before fresh images.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/job_store.h"
#include "store/database.h"
#include "store/ledger.h"

namespace imgbatch {

// Remembers where it stopped, so that every host has its turn. One thread.
class Claimer {
 public:
  // Claims up to request.wanted images of the scope for the owner, within the
  // open transaction. While the owner has claims, and will therefore ask again
  // soon, not every host is asked for a place: a batch of a hundred thousand
  // hosts must not hold up the others.
  std::vector<Claim> Take(Database& database, Ledger& ledger,
                          const ExchangeRequest& request, int64_t owner);

  // When the next waiting image of the scope is due.
  static std::optional<WallTime> NextDue(Database& database, const Scope& scope,
                                         WallTime now);

 private:
  // A batch that takes part in this call.
  struct Turn {
    BatchKey batch{};
    std::string fingerprint;
    bool has_waiting = false;
  };
  std::vector<Turn> TurnsOf(Database& database, const Scope& scope);
  bool TakeOne(Database& database, Ledger& ledger,
               const ExchangeRequest& request, int64_t owner, const Turn& turn,
               std::vector<Claim>& claims);
  bool TakeFrom(Database& database, Ledger& ledger,
                const ExchangeRequest& request, int64_t owner, const Turn& turn,
                int64_t host, std::vector<Claim>& claims);
  const std::string& HostName(Database& database, int64_t host);

  int looks_left_ = 0;     // Hosts that may still be refused in this call.
  BatchKey last_batch_{};  // Served last, in the scope of serve.
  std::map<BatchKey, int64_t> last_host_;
  std::unordered_map<int64_t, std::string> host_names_;  // A cache.
};

}  // namespace imgbatch
