#include "cli/batch_text.h"

#include <fmt/format.h>

#include "cli/quantities.h"
#include "core/settings.h"

namespace imgbatch {
namespace {

constexpr int kPage = 1'000;      // Cells read at a time.
constexpr int kShownBadRows = 3;  // In a summary.

std::string Savings(const Tally& tally) {
  return ShowShare(tally.bytes_source - tally.bytes_stored, tally.bytes_source);
}

Result<std::string> FailureText(JobReader& reader, BatchKey batch) {
  auto failures = reader.CountFailures(batch);
  if (!failures) return failures.error();
  std::string text;
  for (const FailureCount& failure : *failures) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                        ShowCount(failure.count), Name(failure.code));
  }
  return text;
}

Result<std::string> BadRowText(JobReader& reader, const BatchView& batch) {
  auto rows = reader.ReadBadRows(batch.key, 0, kShownBadRows);
  if (!rows) return rows.error();
  std::string text;
  for (const BadRowView& row : *rows) {
    text += fmt::format("  line {} (byte {}): {}\n", row.line, row.byte_offset,
                        row.reason);
  }
  const int64_t more = batch.rows_invalid - static_cast<int64_t>(rows->size());
  if (more > 0) text += fmt::format("  and {} more\n", ShowCount(more));
  return text;
}

std::string ImagesText(const Tally& t) {
  std::string text =
      fmt::format("{} of {} done", ShowCount(t.done), ShowCount(t.total));
  if (t.done > 0) {
    text += fmt::format(" ({} recompressed, {} kept as they were, {} reused)",
                        ShowCount(t.recompressed), ShowCount(t.kept_original),
                        ShowCount(t.reused));
  }
  text += fmt::format(", {} failed", ShowCount(t.failed));
  if (t.pending() > 0) {
    text += fmt::format(", {} pending ({} running, {} waiting for a retry)",
                        ShowCount(t.pending()), ShowCount(t.running),
                        ShowCount(t.waiting));
  }
  return text;
}

}  // namespace

std::string ShortId(const std::string& uuid) {
  return uuid.size() <= 8 ? uuid : uuid.substr(uuid.size() - 8);
}

std::string BatchTable(const std::vector<BatchView>& batches) {
  if (batches.empty()) {
    return "no batches yet; start one with imgbatch run FILE.csv\n";
  }
  std::string text = fmt::format(
      "{:8}  {:21}  {:>10}  {:>10}  {:>8}  {:>7}  {:19}  {}\n", "BATCH",
      "STATUS", "DONE", "TOTAL", "FAILED", "SAVED", "STARTED", "SOURCE");
  for (const BatchView& batch : batches) {
    text += fmt::format(
        "{:8}  {:21}  {:>10}  {:>10}  {:>8}  {:>7}  {:19}  {}\n",
        ShortId(batch.uuid), Name(batch.state), ShowCount(batch.tally.done),
        ShowCount(batch.tally.total) + (batch.sealed ? "" : "+"),
        ShowCount(batch.tally.failed), Savings(batch.tally),
        ShowTime(batch.created_at), batch.source);
  }
  return text;
}

std::string ResumeCommandLine(const BatchView& batch,
                              const std::string& store) {
  const std::string command = "imgbatch resume " + ShortId(batch.uuid);
  if (store.empty()) return command;
  const bool plain =
      store.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
          "_-./+@%") == std::string::npos;
  if (plain) return command + " --store " + store;
  std::string quoted = "'";
  for (const char c : store) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return command + " --store " + quoted + "'";
}

Result<std::string> BatchPage(JobReader& reader, const BatchView& batch,
                              const std::string& go_on) {
  auto failures = FailureText(reader, batch.key);
  if (!failures) return failures.error();
  const Tally& t = batch.tally;
  std::string text = fmt::format("batch {}\n", batch.uuid);
  const auto line = [&text](const char* name, const std::string& value) {
    text += fmt::format("  {:9} {}\n", name, value);
  };
  line("status", fmt::format("{}{}", Name(batch.state),
                             batch.sealed ? "" : " (still being recorded)"));
  line("source", batch.source);
  line("started", ShowTime(batch.created_at));
  if (batch.finished_at != 0) line("finished", ShowTime(batch.finished_at));
  if (batch.round > 1) line("round", std::to_string(batch.round));
  line("rows", fmt::format("{}, {} malformed", ShowCount(batch.rows),
                           ShowCount(batch.rows_invalid)));
  line("images", ImagesText(t));
  if (!failures->empty()) line("failures", *failures);
  line("bytes",
       fmt::format("{} downloaded, {} in, {} out, {} saved",
                   ShowBytes(t.bytes_downloaded), ShowBytes(t.bytes_source),
                   ShowBytes(t.bytes_stored), Savings(t)));
  if (const auto settings = ParseSettings(batch.settings)) {
    line("output", settings->output_path == "-" ? "standard output"
                                                : settings->output_path);
    line("files in", settings->images_dir);
  }
  if (batch.rows_invalid > 0) {
    auto bad_rows = BadRowText(reader, batch);
    if (!bad_rows) return bad_rows.error();
    text += "malformed rows, passed through unchanged:\n" + *bad_rows;
  }
  const std::string id = ShortId(batch.uuid);
  if (!HasEnded(batch.state)) {
    text += go_on + "\n";
  } else if (t.failed > 0) {
    text += "list them with: imgbatch status " + id +
            " --failed; try them again with: imgbatch retry " + id + "\n";
  }
  return text;
}

Result<std::string> FailedImagesText(JobReader& reader, BatchKey batch) {
  std::string text;
  CellCursor after;
  while (true) {
    auto cells = reader.ReadCells(batch, after, kPage, /*only_failed=*/true);
    if (!cells) return cells.error();
    for (const CellView& cell : *cells) {
      text += fmt::format("row {} place {}: {}: {} ({} {}) {}\n", cell.row,
                          cell.place, Name(cell.failure->code),
                          cell.failure->message, cell.attempts,
                          cell.attempts == 1 ? "try" : "tries", cell.url);
    }
    if (static_cast<int>(cells->size()) < kPage) return text;
    after = {cells->back().row, cells->back().place};
  }
}

Result<std::string> Summary(JobReader& reader, const BatchView& batch,
                            Milliseconds took) {
  const Tally& t = batch.tally;
  std::string text = fmt::format("{}: {} in {}\n", ShortId(batch.uuid),
                                 ImagesText(t), ShowDuration(took));
  if (t.bytes_source > 0) {
    text += fmt::format("{} became {}: {} saved\n", ShowBytes(t.bytes_source),
                        ShowBytes(t.bytes_stored), Savings(t));
  }
  if (t.failed > 0) {
    auto failures = FailureText(reader, batch.key);
    if (!failures) return failures.error();
    text += fmt::format("failed: {}; see imgbatch status {} --failed\n",
                        *failures, ShortId(batch.uuid));
  }
  if (batch.rows_invalid > 0) {
    auto bad_rows = BadRowText(reader, batch);
    if (!bad_rows) return bad_rows.error();
    text += fmt::format("{} malformed rows passed through unchanged:\n{}",
                        ShowCount(batch.rows_invalid), *bad_rows);
  }
  return text;
}

}  // namespace imgbatch
