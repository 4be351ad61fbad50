// Errors are values: a function that can fail returns Result<T>, a function
// that judges an image returns Result<T, Failure> (core/failure.h).
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace imgbatch {

// What the caller can do about it; the message says what happened.
enum class ErrorCode : uint8_t {
  kUsage,        // What was asked makes no sense; ask differently.
  kInput,        // The input CSV cannot be used.
  kNotFound,     // The named thing does not exist.
  kUnsupported,  // Understood, but this build cannot do it.
  kCorrupt,      // Stored or received bytes are damaged.
  kTooLarge,     // Over a limit that the message names.
  kIo,           // The operating system refused; the message says what.
  kNoSpace,      // Disk full: free some space and go on.
  kBusy,         // Another process holds it.
  kNewerSchema,  // The store was written by a newer program.
  kStore,        // The store cannot be used (not a database, damaged).
  kOutput,       // A result could not be written where it was asked for.
  kCancelled,    // Stopped on request.
};

// One line, lower case, that names the thing and, to users, what to do.
struct Error {
  ErrorCode code = ErrorCode::kIo;
  std::string message;
};

// Our own mistakes end the process, in release builds too.
[[noreturn]] inline void Die(const char* condition, const char* file,
                             int line) {
  std::fprintf(stderr, "imgbatch: bug: %s (%s:%d)\n", condition, file, line);
  std::abort();
}
#define IMGBATCH_ASSERT(condition) \
  ((condition) ? void() : ::imgbatch::Die(#condition, __FILE__, __LINE__))

// A value or an error. Spelled like std::expected, which g++ 12 has in C++23
// only. Reading the wrong alternative is a bug and ends the process.
template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &value(); }

  const E& error() const {
    IMGBATCH_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  T& Checked() {
    IMGBATCH_ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }

  std::variant<T, E> state_;
};

template <typename E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(E error) : failed_(true), error_(std::move(error)) {}

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const E& error() const {
    IMGBATCH_ASSERT(failed_);
    return error_;
  }

 private:
  bool failed_ = false;
  E error_;
};

}  // namespace imgbatch
