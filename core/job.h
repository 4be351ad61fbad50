// The words of the domain: batch, image, outcome, tally.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/failure.h"
#include "core/hash.h"
#include "core/image_format.h"
#include "core/image_pool.h"

namespace imgbatch {

// A store's own handles. Public are the batch's UUID and "<uuid>-<n>".
enum class BatchKey : int64_t {};
enum class ImageKey : int64_t {};

// The three enums are stored: append only, never renumber.
enum class BatchState : uint8_t {
  kPending = 0,     // Recorded (or being recorded); nothing claimed yet.
  kProcessing = 1,  // Something was claimed, and it has not ended.
  kCompleted = 2,
  kCompletedWithErrors = 3,
  kCancelled = 4,
};
enum class ImageState : uint8_t { kPending = 0, kDone = 1, kFailed = 2 };
enum class DoneHow : uint8_t {
  kRecompressed = 0,
  kKeptOriginal = 1,  // Re-encoding would not pay; metadata removed.
  kReused = 2,        // Same bytes or same ETag as before: not decoded.
};

std::string_view Name(BatchState state);
std::string_view Name(ImageState state);
std::string_view Name(DoneHow how);
inline bool HasEnded(BatchState state) {
  return state >= BatchState::kCompleted;
}

// How many images are where, and their bytes. Kept by the store in the same
// statements that move images, so that reading it never scans.
struct Tally {
  int64_t total = 0;
  int64_t done = 0;
  int64_t failed = 0;
  int64_t running = 0;  // Claimed. Pending is total - done - failed.
  int64_t waiting = 0;  // Pending, unclaimed, with a retry due later.
  int64_t recompressed = 0;
  int64_t kept_original = 0;
  int64_t reused = 0;
  int64_t bytes_downloaded = 0;  // Bodies received, failed tries included.
  int64_t bytes_source = 0;      // Source sizes of done images.
  int64_t bytes_stored = 0;      // Result sizes of done images.
  int64_t pending() const { return total - done - failed; }
};

// A result in the pool.
struct StoredContent {
  PoolKey key;
  ImageFormat format = ImageFormat::kJpeg;
  uint64_t bytes = 0;
  uint32_t width = 0;   // Pixels.
  uint32_t height = 0;  // Pixels.
};

// What an earlier batch learnt about a URL.
struct KnownSource {
  std::string etag;           // As received, quotes included; may be empty.
  std::string last_modified;  // As received; may be empty.
  Sha256 source_hash{};
  uint64_t source_bytes = 0;
  // The result under this batch's recipe, when there was one.
  std::optional<StoredContent> content;
};

// One name under which an image must appear: the place of a URL in the CSV.
struct CellName {
  int64_t row = 0;    // 1-based data record of the input.
  int32_t place = 0;  // 1-based position among the URLs of that row.
  std::string stem;   // File name without extension; empty: the default one.
};

// An image that is now ours to work on.
struct Claim {
  ImageKey image{};
  BatchKey batch{};
  int64_t n = 0;  // 1-based number within the batch.
  std::string url;
  std::string host;
  int attempts = 0;       // Tries so far that counted, this round.
  int suspects = 0;       // How often a process died while decoding it.
  int64_t waited_ms = 0;  // Sum of Retry-After waits so far, this round.
  std::optional<KnownSource> known;
  // At most kMaxNamesPerClaim; the report links the rest.
  std::vector<CellName> names;
};
inline constexpr int kMaxNamesPerClaim = 16;

struct ImageDone {
  DoneHow how = DoneHow::kRecompressed;
  StoredContent content;
  Sha256 source_hash{};
  uint64_t source_bytes = 0;
  std::string etag;
  std::string last_modified;
  std::string reason;  // Why kept_original, else empty.
};
struct ImageFailed {
  Failure failure;
  int attempts = 1;
};
struct ImageRetry {
  Failure failure;
  int attempts = 0;       // The new count; unchanged when the try is free.
  WallTime due = 0;       // Not claimed before this time.
  int64_t waited_ms = 0;  // The new sum of Retry-After waits.
};
// Back as if never claimed: a stop consumes no try.
struct ImageReleased {};

struct Outcome {
  ImageKey image{};
  std::variant<ImageDone, ImageFailed, ImageRetry, ImageReleased> what;
  uint64_t downloaded = 0;  // Bytes of bodies received for it since the claim.
};

// What is recorded about one URL position of a row.
struct CellRecord {
  int32_t place = 0;  // 1-based position among the URLs of the row.
  std::string url;    // Normal form; as found in the file when invalid.
  std::string host;   // "name" or "name:port"; empty when invalid.
  std::string stem;   // Wanted file name stem; empty: the default one.
  std::optional<Failure> invalid;  // Fails at once, without being fetched.
};
struct RowRecord {
  int64_t row = 0;  // 1-based data record of the input.
  std::vector<CellRecord> cells;
  // A malformed row: counted, and named by `status`.
  struct Bad {
    int64_t line = 0;         // 1-based line where it begins.
    int64_t byte_offset = 0;  // In the input file.
    std::string reason;
  };
  std::optional<Bad> bad;
};

// How a batch comes into the store.
struct NewBatch {
  std::string uuid;
  std::string source;    // What the user called it: a path, "-" or a file name.
  std::string identity;  // Equal for an equal input and settings.
  std::string settings;  // ToText(Settings).
  std::string recipe;    // ToText(Recipe).
  std::string recipe_fingerprint;
  std::string kept_input;  // Path relative to the store's files folder.
  std::string webhook_url;
  bool handed_to_serve = false;
  std::string owner_key;  // API key id of the maker; empty for the shell.
};

}  // namespace imgbatch
