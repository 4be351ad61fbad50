#include "store/recording.h"

#include <algorithm>
#include <optional>

#include <sys/random.h>

#include "store/image_keys.h"

namespace imgbatch {
namespace {

constexpr size_t kMaxCachedHosts = 20'000;
// Stems are hashed under a fixed key: a collision would only cost a needless
// suffix, and the names must come out the same after a crash.
constexpr HashKey kStemKey = {0x696D676261746368, 0x7374656D73};

constexpr size_t kRowsPerStatement = 16;

// "<insert> VALUES <row>, <row> …", sixteen times. OR FAIL spares SQLite a
// journal per statement; a failure undoes the whole transaction anyway.
std::string ManyRows(const std::string& insert, const std::string& row) {
  std::string sql = insert + " VALUES ";
  for (size_t i = 0; i < kRowsPerStatement; ++i) {
    sql += (i == 0 ? "" : ", ") + row;
  }
  return sql;
}

HashKey RandomKey() {
  HashKey key;
  IMGBATCH_ASSERT(getrandom(&key, sizeof key, 0) == sizeof key);
  return key;
}

}  // namespace

Recorder::Recorder(Database& database, BatchKey batch)
    : database_(database),
      batch_(batch),
      url_key_(RandomKey()),
      urls_(database.paths().Temporary()),
      stems_(database.paths().Temporary()) {}

void Recorder::Load() {
  for (Query query(
           database_, "SELECT id, url FROM image WHERE id BETWEEN ? AND ?",
           ImageKeyOf(batch_, 1), ImageKeyOf(batch_, kMaxImagesPerBatch));
       query.Next();) {
    Check(urls_.Add(KeyedHash(url_key_, query.Text(1)),
                    static_cast<uint32_t>(NumberOf(query.As<ImageKey>(0)))));
    ++total_;
  }
  for (Query query(database_,
                   "SELECT stem FROM cell WHERE batch = ?"
                   " AND stem IS NOT NULL",
                   batch_);
       query.Next();) {
    Check(stems_.Add(KeyedHash(kStemKey, query.Text(0)), 2));
  }
}

void Recorder::Add(std::span<const RowRecord> rows, int64_t recorded,
                   WallTime now) {
  const int64_t total_before = total_;
  int64_t invalid_rows = 0;
  new_failed_ = 0;
  for (const RowRecord& row : rows) {
    if (database_.failed()) return;
    if (row.row <= recorded) continue;
    recorded = row.row;
    if (row.bad) {
      ++invalid_rows;
      database_.Run(
          "INSERT INTO bad_row (batch, row, line, byte_offset, reason)"
          " VALUES (?, ?, ?, ?, ?)",
          batch_, row.row, row.bad->line, row.bad->byte_offset,
          row.bad->reason);
    }
    for (const CellRecord& cell : row.cells) AddCell(row.row, cell);
  }
  WriteImages();
  WriteCells();
  database_.Run(
      "UPDATE batch SET rows = ?, rows_invalid = rows_invalid + ?,"
      " total = total + ?, failed = failed + ?, updated_at = ? WHERE id = ?",
      recorded, invalid_rows, total_ - total_before, new_failed_, now, batch_);
}

void Recorder::AddCell(int64_t row, const CellRecord& cell) {
  const uint64_t hash = KeyedHash(url_key_, cell.url);
  uint32_t number = FindImage(hash, cell.url);
  const bool repeats = number != 0;
  if (!repeats) {
    if (total_ >= kMaxImagesPerBatch) {
      return database_.Fail(
          {ErrorCode::kTooLarge, "more than 4294967295 images in one batch"});
    }
    number = static_cast<uint32_t>(++total_);
    Check(urls_.Add(hash, number));
    std::optional<int64_t> host;
    if (cell.invalid) {
      ++new_failed_;
    } else {
      host = HostId(cell.host);
    }
    new_images_.push_back({number, host, row, &cell});
  }
  std::optional<std::string> stem;
  if (!cell.stem.empty()) stem = UniqueStem(cell.stem);
  new_cells_.push_back({row, cell.place, number, repeats, std::move(stem)});
}

void Recorder::WriteImages() {
  static const std::string many = ManyRows(
      "INSERT OR FAIL INTO image (id, host, first_row, first_place, url)",
      "(?, ?, ?, ?, ?)");
  size_t at = 0;
  while (at < new_images_.size()) {
    const std::span left = std::span(new_images_).subspan(at);
    const bool all_valid =
        left.size() >= kRowsPerStatement &&
        std::all_of(left.begin(), left.begin() + kRowsPerStatement,
                    [](const NewImage& image) { return image.host; });
    if (!all_valid) {
      WriteImage(left.front());
      ++at;
      continue;
    }
    Query query(database_, many.c_str());
    for (const NewImage& image : left.first(kRowsPerStatement)) {
      query.Append(ImageKeyOf(batch_, image.number), image.host, image.row,
                   image.cell->place, image.cell->url);
    }
    query.Next();
    at += kRowsPerStatement;
  }
  new_images_.clear();
}

void Recorder::WriteImage(const NewImage& image) {
  const ImageKey id = ImageKeyOf(batch_, image.number);
  const CellRecord& cell = *image.cell;
  if (image.host) {
    database_.Run(
        "INSERT INTO image (id, host, first_row, first_place, url)"
        " VALUES (?, ?, ?, ?, ?)",
        id, image.host, image.row, cell.place, cell.url);
    return;
  }
  database_.Run(
      "INSERT INTO image (id, state, first_row, first_place, failure,"
      " http_status, message, url) VALUES (?, 2, ?, ?, ?, ?, ?, ?)",
      id, image.row, cell.place, cell.invalid->code, cell.invalid->http_status,
      cell.invalid->message, cell.url);
}

void Recorder::WriteCells() {
  static const std::string many = ManyRows(
      "INSERT OR FAIL INTO cell (batch, row, place, image, repeats, stem)",
      "(?, ?, ?, ?, ?, ?)");
  size_t at = 0;
  for (; at + kRowsPerStatement <= new_cells_.size(); at += kRowsPerStatement) {
    Query query(database_, many.c_str());
    for (size_t i = at; i < at + kRowsPerStatement; ++i) {
      const NewCell& cell = new_cells_[i];
      query.Append(batch_, cell.row, cell.place,
                   ImageKeyOf(batch_, cell.number), cell.repeats, cell.stem);
    }
    query.Next();
  }
  for (; at < new_cells_.size(); ++at) {
    const NewCell& cell = new_cells_[at];
    database_.Run(
        "INSERT INTO cell (batch, row, place, image, repeats, stem)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        batch_, cell.row, cell.place, ImageKeyOf(batch_, cell.number),
        cell.repeats, cell.stem);
  }
  new_cells_.clear();
}

uint32_t Recorder::FindImage(uint64_t hash, const std::string& url) {
  uint32_t number = 0;
  const Result<bool> found = urls_.Find(hash, [&](uint32_t candidate) {
    // Different URLs may share a hash: the row decides.
    const int64_t written = total_ - static_cast<int64_t>(new_images_.size());
    if (candidate > written) {
      const auto& image = new_images_[candidate - written - 1];
      if (image.cell->url != url) return false;
      number = candidate;
      return true;
    }
    Query query(database_, "SELECT url FROM image WHERE id = ?",
                ImageKeyOf(batch_, candidate));
    if (!query.Next() || query.Text(0) != url) return false;
    number = candidate;
    return true;
  });
  if (!found) database_.Fail(found.error());
  return number;
}

int64_t Recorder::HostId(const std::string& host) {
  const auto known = hosts_.find(host);
  if (known != hosts_.end()) return known->second;
  int64_t id = database_.Value("SELECT id FROM host WHERE name = ?", host);
  if (id == 0) {
    database_.Run("INSERT INTO host (name) VALUES (?)", host);
    id = database_.last_insert_id();
  }
  if (hosts_.size() >= kMaxCachedHosts) hosts_.clear();
  return hosts_[host] = id;
}

std::string Recorder::UniqueStem(const std::string& wanted) {
  const uint64_t hash = KeyedHash(kStemKey, wanted);
  uint32_t suffix = 0;
  const Result<bool> taken = stems_.Find(hash, [&](uint32_t next) {
    suffix = next;
    return true;
  });
  if (!taken) {
    database_.Fail(taken.error());
    return wanted;
  }
  std::string stem = wanted;
  if (*taken) {
    do {
      stem = wanted + "-" + std::to_string(suffix++);
    } while (IsTaken(stem));
    Check(stems_.Add(hash, suffix));  // Where to go on next time.
  }
  Check(stems_.Add(KeyedHash(kStemKey, stem), 2));
  return stem;
}

bool Recorder::IsTaken(const std::string& stem) {
  const Result<bool> taken =
      stems_.Find(KeyedHash(kStemKey, stem), [](uint32_t) { return true; });
  if (!taken) database_.Fail(taken.error());
  return taken && *taken;
}

void Recorder::Check(const Result<void>& result) {
  if (!result) database_.Fail(result.error());
}

}  // namespace imgbatch
