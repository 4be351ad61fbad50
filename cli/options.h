// What was typed: every flag once, with its environment twin, default and
// help. Order: flag, environment, file, default.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.h"

namespace imgbatch {

// Which commands know a flag.
enum CommandSet : unsigned {
  kForRun = 1U << 0,
  kForResume = 1U << 1,
  kForStatus = 1U << 2,
  kForRetry = 1U << 3,
  kForExport = 1U << 4,
  kForInspect = 1U << 5,
  kForCancel = 1U << 6,
  kForVersion = 1U << 7,
  kForDrain = kForRun | kForResume | kForRetry,
  kForStore = kForDrain | kForStatus | kForExport | kForCancel,
  kForCsv = kForRun | kForInspect,
  kForAll = kForStore | kForCsv | kForVersion,
};

struct OptionSpec {
  const char* name;      // Long form, without the dashes.
  char letter;           // Short form, or 0.
  const char* value;     // "FILE", "N" …; null for a switch.
  const char* fallback;  // Shown as the default; "" for none.
  unsigned commands;
  const char* help;
  const char* alias;  // Another environment variable, or null.
};
std::span<const OptionSpec> AllOptions();

struct CommandSpec {
  const char* name;
  unsigned bit;
  const char* argument;  // "CSV", "BATCH" or "" for none.
  int min_arguments;
  int max_arguments;
  const char* help;
};
std::span<const CommandSpec> AllCommands();

class Options {
 public:
  std::string command;
  std::vector<std::string> arguments;

  // The value that was given, or "".
  const std::string& Text(std::string_view name) const;
  bool Flag(std::string_view name) const { return Text(name) == "true"; }
  bool Given(std::string_view name) const {
    return values_.find(name) != values_.end();
  }
  // "--quality", "IMGBATCH_QUALITY" or "imgbatch.toml": who gave the value.
  std::string Origin(std::string_view name) const;

  void Set(std::string_view name, std::string value, std::string origin);

 private:
  struct Value {
    std::string text;
    std::string origin;
  };
  std::map<std::string, Value, std::less<>> values_;
};

// Text for standard output, and nothing else to do (--help, --version).
struct HelpText {
  std::string text;
};

// Reads the command line, the environment and imgbatch.toml. kUsage with one
// line that says what to type instead.
Result<std::variant<Options, HelpText>> ParseOptions(int argc,
                                                     const char* const* argv);

}  // namespace imgbatch
