// What was typed, turned into what is meant; the only place with checks across
// values. Each failure is kUsage and says what to type instead.
#pragma once

#include <optional>
#include <string>

#include "cli/options.h"
#include "core/conductor.h"
#include "core/header_rules.h"
#include "core/recipe.h"
#include "core/result.h"
#include "core/settings.h"

namespace imgbatch {

// What counts as failure for the exit status.
struct FailOn {
  enum class Kind : uint8_t { kNone, kAny, kAll, kCount, kPercent };
  Kind kind = Kind::kAny;
  int64_t limit = 0;  // Images or percent: that many or more.
};

enum class IfRunning : uint8_t { kFail, kWait, kSkip, kJoin };

// How a process works, as opposed to what the batch is.
struct ProcessConfig {
  std::string store;         // Path of the database.
  bool store_given = false;  // By --store or its twins.
  ConductorLimits limits;
  FailOn fail_on;
  IfRunning if_running = IfRunning::kFail;
  std::string ca_file;
  std::string proxy;
  bool json = false;
  bool quiet = false;
};
Result<ProcessConfig> ProcessConfigFrom(const Options& options);

// The settings of a batch of `input` ("-" for standard input); paths are made
// absolute, since a resume may come from any directory.
Result<Settings> SettingsFrom(const Options& options, const std::string& input);
Result<Recipe> RecipeFrom(const Options& options);

// Where the input really is; the working directory for standard input.
std::string DirectoryOf(const std::string& input);

// The rules of the batch's header file, read now; kUsage.
Result<HeaderRules> HeaderRulesFrom(const Settings& settings);

// --store, else $STATE_DIRECTORY (systemd), $XDG_STATE_HOME or ~/.local/state.
Result<std::string> StorePathFrom(const Options& options);

}  // namespace imgbatch
