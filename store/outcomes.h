// What became of claimed images, as rows.
#pragma once

#include <string>
#include <vector>

#include "core/job_store.h"
#include "store/database.h"
#include "store/ledger.h"

namespace imgbatch {

// Retries that are due later than this after now are due now: nobody plans so
// far ahead (product: at most 15 minutes), so the wall clock jumped back.
inline constexpr int64_t kMaxDelayMs = 20 * 60 * 1000;

// Applies the outcome if the owner still has the claim; otherwise nothing.
void ApplyOutcome(Database& database, Ledger& ledger, int64_t owner,
                  const Outcome& outcome, WallTime now);

// Fails up to `limit` of the claimable images of the host; returns how many.
int64_t FailHost(Database& database, Ledger& ledger, const HostFailure& failure,
                 int64_t limit);

// Gives back the claims of an owner. Images in `decoding` become more suspect.
void ReturnClaims(Database& database, Ledger& ledger, int64_t owner,
                  const std::vector<ImageKey>& decoding);

std::optional<StoredContent> FindContent(Database& database,
                                         const Sha256& source_hash,
                                         const std::string& fingerprint);

// The key of a URL in the table `source`.
std::string UrlHash(const std::string& url);

// Failed without having been tried, or for good.
void StoreFailure(Database& database, ImageKey image, const Failure& failure,
                  int attempts);

}  // namespace imgbatch
