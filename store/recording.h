// Rows of a CSV into images and cells. Knows the URLs and names of the batch
// that is being recorded, outside of the database: an index of a million
// hashes would cost more writing than the rows themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/job.h"
#include "store/database.h"
#include "store/hash_index.h"

namespace imgbatch {

// For one batch. After a transaction that was not committed it knows too much
// and must be thrown away.
class Recorder {
 public:
  Recorder(Database& database, BatchKey batch);

  BatchKey batch() const { return batch_; }
  // Whether it knows the batch as it is: another process may have recorded on.
  bool KnowsAll(int64_t total) const { return total_ == total; }
  // Reads what has been recorded so far, in the open transaction.
  void Load();

  // Adds rows after `recorded`, in the open transaction; errors are the
  // database's.
  void Add(std::span<const RowRecord> rows, int64_t recorded, WallTime now);

 private:
  // An image and a cell that are not in the database yet. They go there
  // sixteen at a time: a statement per row would cost twice as much.
  struct NewImage {
    uint32_t number = 0;
    std::optional<int64_t> host;  // None: the URL is invalid.
    int64_t row = 0;
    const CellRecord* cell = nullptr;
  };
  struct NewCell {
    int64_t row = 0;
    int32_t place = 0;
    uint32_t number = 0;
    bool repeats = false;
    std::optional<std::string> stem;
  };

  void AddCell(int64_t row, const CellRecord& cell);
  void WriteImages();
  void WriteCells();
  void WriteImage(const NewImage& image);
  // The number of the image with this URL; 0: there is none.
  uint32_t FindImage(uint64_t hash, const std::string& url);
  int64_t HostId(const std::string& host);
  // The stem, or the first of "<stem>-2", "-3" … that no cell has yet.
  std::string UniqueStem(const std::string& wanted);
  bool IsTaken(const std::string& stem);
  void Check(const Result<void>& result);

  Database& database_;
  BatchKey batch_;
  int64_t total_ = 0;  // Images so far, new_images_ included.
  std::vector<NewImage> new_images_;
  std::vector<NewCell> new_cells_;
  int64_t new_failed_ = 0;
  HashKey url_key_;
  HashIndex urls_;   // Hash of the URL -> number of the image.
  HashIndex stems_;  // Hash of a taken stem -> suffix to try next.
  std::unordered_map<std::string, int64_t> hosts_;  // A cache.
};

}  // namespace imgbatch
