#include "cli/exit_status.h"

namespace imgbatch {

const char* Name(ExitStatus status) {
  switch (status) {
    case ExitStatus::kOk:
      return "ok";
    case ExitStatus::kInternal:
      return "internal";
    case ExitStatus::kUsage:
      return "usage";
    case ExitStatus::kSomeFailed:
      return "some_failed";
    case ExitStatus::kInput:
      return "input";
    case ExitStatus::kAllFailed:
      return "all_failed";
    case ExitStatus::kStore:
      return "store";
    case ExitStatus::kUnfinished:
      return "unfinished";
    case ExitStatus::kOutput:
      return "output";
    case ExitStatus::kRefused:
      return "refused";
    case ExitStatus::kNotFound:
      return "not_found";
    case ExitStatus::kLocked:
      return "locked";
    case ExitStatus::kInterrupted:
      return "interrupted";
    case ExitStatus::kTerminated:
      return "terminated";
  }
  return "internal";
}

ExitStatus StatusOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUsage:
    case ErrorCode::kUnsupported:
      return ExitStatus::kUsage;
    case ErrorCode::kInput:
    case ErrorCode::kTooLarge:
      return ExitStatus::kInput;
    case ErrorCode::kNotFound:
      return ExitStatus::kNotFound;
    case ErrorCode::kIo:
    case ErrorCode::kNoSpace:
    case ErrorCode::kCorrupt:
    case ErrorCode::kNewerSchema:
    case ErrorCode::kStore:
      return ExitStatus::kStore;
    case ErrorCode::kOutput:
      return ExitStatus::kOutput;
    case ErrorCode::kBusy:
      return ExitStatus::kLocked;
    case ErrorCode::kCancelled:
      return ExitStatus::kInterrupted;
  }
  return ExitStatus::kInternal;
}

}  // namespace imgbatch
