#include "cli/batch_json.h"

#include "cli/quantities.h"
#include "core/recipe.h"
#include "core/settings.h"

namespace imgbatch {
namespace {

constexpr int kPage = 1'000;  // Cells read at a time.

Json TimeJson(WallTime time) {
  return time == 0 ? Json(nullptr) : Json(ShowUtc(time));
}

Json QualityJson(const BatchView& batch) {
  const auto recipe = ParseRecipe(batch.recipe);
  if (!recipe) return nullptr;
  if (recipe->quality_is_percent) {
    return std::to_string(recipe->quality) + "%";
  }
  return recipe->quality;
}

}  // namespace

std::string ToLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> BatchJson(JobReader& reader, const BatchView& batch) {
  auto failures = reader.CountFailures(batch.key);
  if (!failures) return failures.error();
  Json failure_list = Json::array();
  for (const FailureCount& failure : *failures) {
    failure_list.push_back(
        {{"code", Name(failure.code)}, {"count", failure.count}});
  }
  const auto settings = ParseSettings(batch.settings);
  const Tally& t = batch.tally;
  return Json{
      {"id", batch.uuid},
      {"status", Name(batch.state)},
      {"source", batch.source},
      {"created_at", TimeJson(batch.created_at)},
      {"updated_at", TimeJson(batch.updated_at)},
      {"finished_at", TimeJson(batch.finished_at)},
      {"round", batch.round},
      {"quality", QualityJson(batch)},
      {"images",
       {{"total", t.total},
        {"done", t.done},
        {"failed", t.failed},
        {"pending", t.pending()},
        {"running", t.running},
        {"waiting", t.waiting},
        {"recompressed", t.recompressed},
        {"kept_original", t.kept_original},
        {"reused", t.reused}}},
      {"rows", {{"total", batch.rows}, {"invalid", batch.rows_invalid}}},
      {"bytes",
       {{"downloaded", t.bytes_downloaded},
        {"source", t.bytes_source},
        {"stored", t.bytes_stored},
        {"saved", t.bytes_source - t.bytes_stored}}},
      {"failures", failure_list},
      {"output_csv", settings ? Json(settings->output_path) : Json(nullptr)},
      {"images_dir", settings ? Json(settings->images_dir) : Json(nullptr)},
  };
}

Result<Json> FailedImagesJson(JobReader& reader, BatchKey batch) {
  Json list = Json::array();
  CellCursor after;
  while (true) {
    auto cells = reader.ReadCells(batch, after, kPage, /*only_failed=*/true);
    if (!cells) return cells.error();
    for (const CellView& cell : *cells) {
      const Failure& failure = *cell.failure;
      list.push_back({{"row", cell.row},
                      {"position", cell.place},
                      {"url", cell.url},
                      {"code", Name(failure.code)},
                      {"http_status", failure.http_status == 0
                                          ? Json(nullptr)
                                          : Json(failure.http_status)},
                      {"message", failure.message},
                      {"attempts", cell.attempts}});
    }
    if (static_cast<int>(cells->size()) < kPage) return list;
    after = {cells->back().row, cells->back().place};
  }
}

}  // namespace imgbatch
