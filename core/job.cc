#include "core/job.h"

namespace imgbatch {

std::string_view Name(BatchState state) {
  switch (state) {
    case BatchState::kPending:
      return "pending";
    case BatchState::kProcessing:
      return "processing";
    case BatchState::kCompleted:
      return "completed";
    case BatchState::kCompletedWithErrors:
      return "completed_with_errors";
    case BatchState::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view Name(ImageState state) {
  switch (state) {
    case ImageState::kPending:
      return "pending";
    case ImageState::kDone:
      return "done";
    case ImageState::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string_view Name(DoneHow how) {
  switch (how) {
    case DoneHow::kRecompressed:
      return "recompressed";
    case DoneHow::kKeptOriginal:
      return "kept_original";
    case DoneHow::kReused:
      return "reused";
  }
  return "unknown";
}

}  // namespace imgbatch
