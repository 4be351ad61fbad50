// The JSON that scripts rely on: status, the events of run, serve. Changes are
// additions only.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/job_reader.h"
#include "core/result.h"

namespace imgbatch {

using Json = nlohmann::ordered_json;

// One line; what is not valid UTF-8 is replaced.
std::string ToLine(const Json& json);

// A batch with counts, bytes and failures.
Result<Json> BatchJson(JobReader& reader, const BatchView& batch);

// All cells whose image failed, for `failed_images`.
Result<Json> FailedImagesJson(JobReader& reader, BatchKey batch);

}  // namespace imgbatch
