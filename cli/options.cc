#include "cli/options.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/options_file.h"
#include "cli/suggest.h"

namespace imgbatch {
namespace {

using Parsed = std::variant<Options, HelpText>;

constexpr char kFooter[] =
    "Examples:\n"
    "  imgbatch run products.csv\n"
    "  imgbatch run products.csv -o out.csv --base-url https://cdn.example/i\n"
    "  imgbatch status\n"
    "  imgbatch resume\n"
    "\n"
    "imgbatch COMMAND --help tells more; the manual is imgbatch(1).";

// A command as CLI11 sees it, and what it stored.
struct Sub {
  const CommandSpec* spec = nullptr;
  CLI::App* app = nullptr;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> texts;
  std::map<std::string, bool> switches;
};

void Declare(CLI::App& app, const CommandSpec& command, Sub& sub) {
  sub.spec = &command;
  sub.app = app.add_subcommand(command.name, command.help);
  sub.app->set_help_flag("-h,--help", "Print this help");
  if (command.max_arguments > 0) {
    sub.app->add_option(command.argument, sub.arguments)
        ->type_name("")
        ->expected(command.min_arguments,
                   command.max_arguments > 1
                       ? CLI::detail::expected_max_vector_size
                       : command.max_arguments)
        ->required(command.min_arguments > 0);
  }
  for (const OptionSpec& spec : AllOptions()) {
    if ((spec.commands & command.bit) == 0) continue;
    const std::string names =
        (spec.letter != 0 ? fmt::format("-{},", spec.letter) : "") + "--" +
        spec.name;
    if (spec.value == nullptr) {
      sub.app->add_flag(names, sub.switches[spec.name], spec.help);
      continue;
    }
    auto* option = sub.app->add_option(names, sub.texts[spec.name], spec.help);
    option->type_name(spec.value);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    if (*spec.fallback != '\0') option->default_str(spec.fallback);
  }
}

std::vector<std::string> OptionNames(unsigned commands,
                                     const std::string& prefix) {
  std::vector<std::string> names;
  for (const OptionSpec& spec : AllOptions()) {
    if ((spec.commands & commands) != 0) names.push_back(prefix + spec.name);
  }
  return names;
}

// CLI11 says what it did not understand; ours says what to type instead.
Error UsageError(const CLI::ParseError& error, const CommandSpec& command) {
  std::string message = error.what();
  const size_t colon = message.rfind(": ");
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr &&
      colon != std::string::npos) {
    std::string typed = message.substr(colon + 2);
    typed = typed.substr(0, typed.find(' '));
    const bool is_flag = !typed.empty() && typed[0] == '-';
    const std::string nearest = is_flag
                                    ? Nearest(typed.substr(0, typed.find('=')),
                                              OptionNames(command.bit, "--"))
                                    : "";
    message = is_flag ? "unknown option " + typed
                      : "unexpected argument \"" + typed + "\"";
    message += nearest.empty()
                   ? fmt::format("; see imgbatch {} --help", command.name)
                   : "; did you mean " + nearest + "?";
  } else if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    message = fmt::format("which {}? type imgbatch {} {}", command.argument,
                          command.name, command.argument);
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  return {ErrorCode::kUsage, message};
}

Error UnknownCommand(const std::string& typed) {
  if (typed.empty() || typed[0] == '-') {
    return {ErrorCode::kUsage,
            "unknown option " + typed + "; see imgbatch --help"};
  }
  std::vector<std::string> names;
  for (const CommandSpec& command : AllCommands()) {
    names.emplace_back(command.name);
  }
  const std::string nearest = Nearest(typed, names);
  std::string message = "unknown command \"" + typed + "\"";
  if (typed.size() > 4 && typed.substr(typed.size() - 4) == ".csv") {
    message += "; type imgbatch run " + typed;
  } else if (!nearest.empty()) {
    message += "; did you mean " + nearest + "?";
  } else {
    message += "; see imgbatch --help";
  }
  return {ErrorCode::kUsage, message};
}

std::string EnvironmentName(std::string_view option) {
  std::string name = "IMGBATCH_";
  for (const char c : option) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  }
  return name;
}

Result<void> ReadEnvironment(const OptionSpec& spec, Options& options) {
  std::string variable = EnvironmentName(spec.name);
  const char* text = std::getenv(variable.c_str());
  if (text == nullptr && spec.alias != nullptr) {
    variable = spec.alias;
    text = std::getenv(spec.alias);
  }
  if (text == nullptr || *text == '\0') return {};
  std::string value = text;
  if (spec.value == nullptr) {
    if (value == "1" || value == "true" || value == "yes") {
      value = "true";
    } else if (value == "0" || value == "false" || value == "no") {
      value = "false";
    } else {
      return Error{ErrorCode::kUsage,
                   fmt::format("{} is a switch; set it to 1 or 0, not to "
                               "\"{}\"",
                               variable, value)};
    }
  }
  options.Set(spec.name, std::move(value), std::move(variable));
  return {};
}

Result<void> UseFileEntry(const OptionsFile& file, const FileOption& entry,
                          unsigned bit, Options& options) {
  const auto all = AllOptions();
  const auto spec = std::find_if(
      all.begin(), all.end(),
      [&](const OptionSpec& known) { return entry.name == known.name; });
  if (spec == all.end() || entry.name == "config") {
    const std::string nearest = Nearest(entry.name, OptionNames(kForAll, ""));
    return Error{
        ErrorCode::kUsage,
        fmt::format("{}:{}: unknown key \"{}\"; {}", file.path, entry.line,
                    entry.name,
                    nearest.empty() ? "see imgbatch(5)"
                                    : "did you mean " + nearest + "?")};
  }
  if (spec->value == nullptr && entry.value != "true" &&
      entry.value != "false") {
    return Error{ErrorCode::kUsage,
                 fmt::format("{}:{}: {} is true or false", file.path,
                             entry.line, entry.name)};
  }
  if ((spec->commands & bit) != 0 && !options.Given(spec->name)) {
    options.Set(spec->name, entry.value, file.path);
  }
  return {};
}

// Environment, then file, for what the command line did not say.
Result<void> Complete(Options& options, unsigned bit) {
  for (const OptionSpec& spec : AllOptions()) {
    if ((spec.commands & bit) == 0 || options.Given(spec.name)) continue;
    if (auto read = ReadEnvironment(spec, options); !read) return read;
  }
  auto file = ReadOptionsFile(options.Text("config"));
  if (!file) return file.error();
  for (const FileOption& entry : file->entries) {
    if (auto used = UseFileEntry(*file, entry, bit, options); !used) {
      return used;
    }
  }
  return {};
}

Result<Parsed> Collect(Sub& sub) {
  Options options;
  options.command = sub.spec->name;
  options.arguments = std::move(sub.arguments);
  for (const OptionSpec& spec : AllOptions()) {
    if ((spec.commands & sub.spec->bit) == 0) continue;
    const std::string flag = std::string("--") + spec.name;
    if (sub.app->count(flag) == 0) continue;
    std::string value = spec.value == nullptr
                            ? (sub.switches[spec.name] ? "true" : "false")
                            : sub.texts[spec.name];
    options.Set(spec.name, std::move(value), flag);
  }
  if (auto completed = Complete(options, sub.spec->bit); !completed) {
    return completed.error();
  }
  return Parsed(std::move(options));
}

}  // namespace

const std::string& Options::Text(std::string_view name) const {
  static const std::string kEmpty;
  const auto at = values_.find(name);
  return at == values_.end() ? kEmpty : at->second.text;
}

std::string Options::Origin(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? "--" + std::string(name) : at->second.origin;
}

void Options::Set(std::string_view name, std::string value,
                  std::string origin) {
  values_.insert_or_assign(std::string(name),
                           Value{std::move(value), std::move(origin)});
}

Result<Parsed> ParseOptions(int argc, const char* const* argv) {
  CLI::App app(
      "Downloads the images that a CSV names, compresses them and writes the "
      "CSV back\nwith where they are. Can be killed at any moment and resumed.",
      "imgbatch");
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", "imgbatch " IMGBATCH_VERSION);
  app.require_subcommand(0, 1);
  std::vector<Sub> subs(AllCommands().size());
  for (size_t i = 0; i < subs.size(); ++i) {
    Declare(app, AllCommands()[i], subs[i]);
  }
  const std::string typed = argc > 1 ? argv[1] : "";
  const auto chosen = [&]() -> Sub* {
    for (Sub& sub : subs) {
      if (sub.app->parsed() || typed == sub.spec->name) return &sub;
    }
    return nullptr;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    Sub* sub = chosen();
    return Parsed(
        HelpText{sub != nullptr ? sub->app->help("imgbatch") : app.help()});
  } catch (const CLI::CallForVersion& version) {
    return Parsed(HelpText{std::string(version.what()) + "\n"});
  } catch (const CLI::ParseError& error) {
    Sub* sub = chosen();
    if (sub == nullptr) return UnknownCommand(typed);
    return UsageError(error, *sub->spec);
  }
  if (Sub* sub = chosen()) return Collect(*sub);
  return Parsed(HelpText{app.help()});
}

}  // namespace imgbatch
