#include "cli/report.h"

#include <utility>

#include <fmt/format.h>

#include "cli/batch_json.h"
#include "cli/csv_settings.h"
#include "core/naming.h"
#include "formats/csv_writer.h"
#include "store/posix.h"

namespace imgbatch {
namespace {

constexpr int kPage = 2'000;  // Cells read at a time.

// The cells of a batch in (row, place) order, a page at a time.
class CellStream {
 public:
  CellStream(JobReader& reader, BatchKey batch)
      : reader_(reader), batch_(batch) {}

  // The next cell, or null at the end; valid until the next call.
  Result<const CellView*> Peek() {
    if (at_ == page_.size() && !ended_) {
      auto page = reader_.ReadCells(batch_, after_, kPage,
                                    /*only_failed=*/false);
      if (!page) return page.error();
      page_ = *std::move(page);
      at_ = 0;
      ended_ = static_cast<int>(page_.size()) < kPage;
      if (!page_.empty()) after_ = {page_.back().row, page_.back().place};
    }
    return at_ < page_.size() ? &page_[at_] : nullptr;
  }
  void Pop() { ++at_; }

 private:
  JobReader& reader_;
  const BatchKey batch_;
  CellCursor after_;
  std::vector<CellView> page_;
  size_t at_ = 0;
  bool ended_ = false;
};

std::string NameOf(const CellView& cell) {
  return FileName(cell.stem, cell.row, cell.place, cell.content->format);
}

// What the output says about a done image.
std::string OutputOf(const CellView& cell, const Settings& settings) {
  const std::string& prefix =
      settings.base_url.empty() ? settings.images_dir_shown : settings.base_url;
  return prefix + "/" + NameOf(cell);
}

std::string ErrorOf(const CellView& cell) {
  return fmt::format("{}: {}{}", cell.place, Name(cell.failure->code),
                     cell.failure->http_status != 0
                         ? fmt::format(" {}", cell.failure->http_status)
                         : "");
}

}  // namespace

Result<std::vector<std::string>> WriteReport(JobReader& reader,
                                             const BatchView& batch,
                                             const Settings& settings,
                                             const std::string& kept_input,
                                             const ByteSink& sink) {
  auto rewriter =
      CsvRewriter::Open(kept_input, CsvOptionsOf(settings),
                        {.error_column = settings.error_column,
                         .spreadsheet_safe = settings.spreadsheet_safe},
                        sink);
  if (!rewriter) return rewriter.error();
  CellStream cells(reader, batch.key);
  CatalogueRow row;
  std::vector<std::string> outputs;
  while (true) {
    auto more = (*rewriter)->NextRow(row);
    if (!more) return more.error();
    if (!*more) break;
    outputs.assign(row.urls.size(), "");
    std::string errors;
    while (true) {
      auto cell = cells.Peek();
      if (!cell) return cell.error();
      if (*cell == nullptr || (*cell)->row > row.row) break;
      const CellView& view = **cell;
      const auto index = static_cast<size_t>(view.place - 1);
      if (view.row == row.row && index < outputs.size()) {
        if (view.content) outputs[index] = OutputOf(view, settings);
        if (view.failure) {
          errors += (errors.empty() ? "" : "; ") + ErrorOf(view);
        }
      }
      cells.Pop();
    }
    if (auto written = (*rewriter)->Write(outputs, errors); !written) {
      return written.error();
    }
  }
  return (*rewriter)->warnings();
}

Result<void> WriteJsonLines(JobReader& reader, const BatchView& batch,
                            const Settings& settings, const ByteSink& sink) {
  CellStream cells(reader, batch.key);
  while (true) {
    auto cell = cells.Peek();
    if (!cell) return cell.error();
    if (*cell == nullptr) return {};
    const CellView& view = **cell;
    Json json{{"row", view.row},
              {"position", view.place},
              {"id", batch.uuid + "-" + std::to_string(view.n)},
              {"url", view.url},
              {"state", Name(view.state)},
              {"output", nullptr}};
    if (view.content) {
      json["output"] = OutputOf(view, settings);
      json["format"] = Name(view.content->format);
      json["bytes"] = view.content->bytes;
      json["width"] = view.content->width;
      json["height"] = view.content->height;
    }
    if (view.failure) {
      json["code"] = Name(view.failure->code);
      json["http_status"] = view.failure->http_status == 0
                                ? Json(nullptr)
                                : Json(view.failure->http_status);
      json["message"] = view.failure->message;
      json["attempts"] = view.attempts;
    }
    if (auto written = sink(ToLine(json) + "\n"); !written) return written;
    cells.Pop();
  }
}

Result<void> PublishImages(JobReader& reader, ImagePool& pool,
                           const BatchView& batch, const Settings& settings) {
  const auto as_output = [](const Error& error) {
    return Error{ErrorCode::kOutput, error.message};
  };
  if (settings.images_dir.empty()) return {};
  CellStream cells(reader, batch.key);
  while (true) {
    auto cell = cells.Peek();
    if (!cell) return cell.error();
    if (*cell == nullptr) break;
    const CellView& view = **cell;
    if (view.content) {
      auto published = pool.Publish(view.content->key,
                                    settings.images_dir + "/" + NameOf(view));
      if (!published) return as_output(published.error());
    }
    cells.Pop();
  }
  if (auto synced = SyncDirectory(settings.images_dir); !synced) {
    return as_output(synced.error());
  }
  return {};
}

}  // namespace imgbatch
