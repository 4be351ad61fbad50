// From the store and the kept input to the output CSV, in input order.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/image_pool.h"
#include "core/job_reader.h"
#include "core/result.h"
#include "core/settings.h"

namespace imgbatch {

using ByteSink = std::function<Result<void>(std::string_view)>;

// The output CSV. `kept_input` is the path of the kept copy. Images that are
// not done yet have an empty place. Returns warnings for the user. Fails as
// the reader and the sink do.
Result<std::vector<std::string>> WriteReport(JobReader& reader,
                                             const BatchView& batch,
                                             const Settings& settings,
                                             const std::string& kept_input,
                                             const ByteSink& sink);

// One JSON object a line for every URL position.
Result<void> WriteJsonLines(JobReader& reader, const BatchView& batch,
                            const Settings& settings, const ByteSink& sink);

// Gives every done image of the batch its names in the images directory, as
// far as it does not have them, and makes them durable. Failures are kOutput.
Result<void> PublishImages(JobReader& reader, ImagePool& pool,
                           const BatchView& batch, const Settings& settings);

}  // namespace imgbatch
