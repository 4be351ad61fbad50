// Batches as people read them: the table and the page of `status`, the summary
// of a run.
#pragma once

#include <string>
#include <vector>

#include "core/job_reader.h"
#include "core/result.h"

namespace imgbatch {

// The last 8 hexadecimal digits of a UUID, as the shell shows batches.
std::string ShortId(const std::string& uuid);

// A line per batch under a heading; "no batches yet …" when there are none.
std::string BatchTable(const std::vector<BatchView>& batches);

// The command that goes on with a batch, to be pasted into a shell. `store`:
// what --store must say, or empty.
std::string ResumeCommandLine(const BatchView& batch, const std::string& store);

// One batch in detail, several lines. `go_on` is what to do about one that has
// not ended.
Result<std::string> BatchPage(JobReader& reader, const BatchView& batch,
                              const std::string& go_on);

// A line per failed image: row, position, code, sentence, URL.
Result<std::string> FailedImagesText(JobReader& reader, BatchKey batch);

// What a run came to, at most a few lines.
Result<std::string> Summary(JobReader& reader, const BatchView& batch,
                            Milliseconds took);

}  // namespace imgbatch
