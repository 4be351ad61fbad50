#include "cli/config.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "cli/quantities.h"
#include "core/naming.h"

namespace imgbatch {
namespace {

namespace fs = std::filesystem;

Error Wrong(const Options& options, const char* name,
            const std::string& expected) {
  return {ErrorCode::kUsage, fmt::format("{} \"{}\": {}", options.Origin(name),
                                         options.Text(name), expected)};
}

// A whole number within bounds; `value` keeps its default when not given.
template <typename Number>
Result<void> ReadNumber(const Options& options, const char* name,
                        int64_t lowest, int64_t highest, Number& value) {
  if (!options.Given(name)) return {};
  const auto number = ParseInteger(options.Text(name));
  if (!number || *number < lowest || *number > highest) {
    return Wrong(options, name,
                 fmt::format("type a number from {} to {}", lowest, highest));
  }
  value = static_cast<Number>(*number);
  return {};
}

Result<void> ReadDuration(const Options& options, const char* name,
                          Milliseconds& value) {
  if (!options.Given(name)) return {};
  const auto duration = ParseDuration(options.Text(name));
  if (!duration) {
    return Wrong(options, name, "type a duration such as 500ms, 30s or 5m");
  }
  value = *duration;
  return {};
}

Result<void> ReadSize(const Options& options, const char* name,
                      uint64_t& value) {
  if (!options.Given(name)) return {};
  const auto size = ParseSize(options.Text(name));
  if (!size) return Wrong(options, name, "type a size such as 50M or 512MiB");
  value = *size;
  return {};
}

Result<void> ReadFailOn(const Options& options, FailOn& fail_on) {
  if (!options.Given("fail-on")) return {};
  const std::string& text = options.Text("fail-on");
  if (text == "none") {
    fail_on.kind = FailOn::Kind::kNone;
  } else if (text == "any") {
    fail_on.kind = FailOn::Kind::kAny;
  } else if (text == "all") {
    fail_on.kind = FailOn::Kind::kAll;
  } else {
    const bool percent = !text.empty() && text.back() == '%';
    const auto limit = ParseInteger(
        std::string_view(text).substr(0, text.size() - (percent ? 1 : 0)));
    if (!limit || *limit < 1 || (percent && *limit > 100)) {
      return Wrong(options, "fail-on",
                   "type none, any, all, a number such as 10 or a share such "
                   "as 5%");
    }
    fail_on.kind = percent ? FailOn::Kind::kPercent : FailOn::Kind::kCount;
    fail_on.limit = *limit;
  }
  return {};
}

Result<void> ReadIfRunning(const Options& options, IfRunning& if_running) {
  if (!options.Given("if-running")) return {};
  const std::string& text = options.Text("if-running");
  constexpr std::pair<const char*, IfRunning> kWords[] = {
      {"fail", IfRunning::kFail},
      {"wait", IfRunning::kWait},
      {"skip", IfRunning::kSkip},
      {"join", IfRunning::kJoin}};
  for (const auto& [word, meaning] : kWords) {
    if (text == word) {
      if_running = meaning;
      return {};
    }
  }
  return Wrong(options, "if-running", "type fail, wait, skip or join");
}

std::string Absolute(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

std::string WithoutTrailingSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string StemOf(const std::string& input) {
  return input == "-" ? "stdin" : fs::path(input).stem().string();
}

void ReplaceStem(std::string& text, const std::string& stem) {
  const size_t at = text.find("{stem}");
  if (at != std::string::npos) text.replace(at, 6, stem);
}

Result<void> ReadPaths(const Options& options, const std::string& input,
                       Settings& settings) {
  const std::string stem = StemOf(input);
  const bool several = options.arguments.size() > 1;
  std::string output = stem + "-output.csv";
  if (options.Given("output")) {
    output = options.Text("output");
    if (output.empty()) return Wrong(options, "output", "type a file name");
    if (several && output.find("{stem}") == std::string::npos) {
      return Wrong(options, "output",
                   "several inputs need a name with {stem} in it, such as "
                   "out/{stem}.csv");
    }
    ReplaceStem(output, stem);
  }
  settings.output_path = output == "-" ? output : Absolute(output);

  std::string images = stem + "-images";
  if (options.Given("images")) {
    images = WithoutTrailingSlash(options.Text("images"));
    if (images.empty()) return Wrong(options, "images", "type a directory");
    if (several && images.find("{stem}") == std::string::npos) {
      return Wrong(options, "images",
                   "several inputs need a directory each; type {stem} in it, "
                   "such as images/{stem}");
    }
    ReplaceStem(images, stem);
  }
  settings.images_dir_shown = images;
  settings.images_dir = WithoutTrailingSlash(Absolute(images));

  settings.base_url = WithoutTrailingSlash(options.Text("base-url"));
  if (options.Given("base-url") &&
      settings.base_url.find("://") == std::string::npos) {
    return Wrong(options, "base-url",
                 "type a URL such as https://cdn.example/images");
  }
  if (options.Given("name")) settings.name_template = options.Text("name");
  auto parsed = NameTemplate::Parse(settings.name_template);
  if (!parsed) return parsed.error();
  return {};
}

Result<void> ReadNetwork(const Options& options, Settings& settings) {
  settings.network.public_only = options.Flag("public-only");
  std::string_view rest = options.Text("allow-net");
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const auto cidr = ParseCidr(rest.substr(0, comma));
    if (!cidr) {
      return Wrong(options, "allow-net",
                   "type networks such as 10.0.0.0/8,fd00::/8");
    }
    settings.network.allowed.push_back(*cidr);
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  if (options.Given("header-file")) {
    settings.header_file = Absolute(options.Text("header-file"));
    auto rules = HeaderRulesFrom(settings);
    if (!rules) return rules.error();
  }
  const std::string& noai = options.Text("robots-noai");
  settings.respect_noai = noai == "respect";
  if (!noai.empty() && noai != "respect" && noai != "ignore") {
    return Wrong(options, "robots-noai", "type ignore or respect");
  }
  settings.user_agent = options.Text("user-agent");
  if (settings.user_agent.find_first_of("\r\n") != std::string::npos) {
    return Wrong(options, "user-agent", "type one line");
  }
  return {};
}

}  // namespace

std::string DirectoryOf(const std::string& input) {
  std::error_code error;
  const fs::path directory =
      input == "-" ? fs::path(".") : fs::absolute(input, error).parent_path();
  return fs::canonical(directory, error).string();
}

Result<HeaderRules> HeaderRulesFrom(const Settings& settings) {
  if (settings.header_file.empty()) return HeaderRules();
  std::ifstream file(settings.header_file);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    return Error{ErrorCode::kUsage,
                 "cannot read the headers in " + settings.header_file};
  }
  auto rules = HeaderRules::Parse(text.str());
  if (!rules) {
    return Error{ErrorCode::kUsage,
                 settings.header_file + ": " + rules.error().message};
  }
  return rules;
}

Result<std::string> StorePathFrom(const Options& options) {
  if (options.Given("store")) return Absolute(options.Text("store"));
  const auto variable = [](const char* name) -> std::string {
    const char* text = std::getenv(name);
    return text == nullptr ? "" : text;
  };
  if (const std::string state = variable("STATE_DIRECTORY"); !state.empty()) {
    return state.substr(0, state.find(':')) + "/imgbatch.db";
  }
  if (const std::string state = variable("XDG_STATE_HOME"); !state.empty()) {
    return state + "/imgbatch/imgbatch.db";
  }
  if (const std::string home = variable("HOME"); !home.empty()) {
    return home + "/.local/state/imgbatch/imgbatch.db";
  }
  return Error{ErrorCode::kUsage,
               "there is no home directory to keep the job store in; name one "
               "with --store FILE"};
}

Result<ProcessConfig> ProcessConfigFrom(const Options& options) {
  ProcessConfig config;
  auto store = StorePathFrom(options);
  if (!store) return store.error();
  config.store = *std::move(store);
  config.store_given = options.Given("store");
  ConductorLimits& limits = config.limits;
  limits.workers =
      static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  int64_t max_images = 0;
  Milliseconds max_duration{0};
  for (const Result<void>& read :
       {ReadNumber(options, "concurrency", 1, 10'000, limits.concurrency),
        ReadNumber(options, "workers", 1, 256, limits.workers),
        ReadNumber(options, "max-images", 1, INT64_MAX, max_images),
        ReadDuration(options, "max-duration", max_duration),
        ReadSize(options, "memory", limits.decode_memory),
        ReadFailOn(options, config.fail_on),
        ReadIfRunning(options, config.if_running)}) {
    if (!read) return read.error();
  }
  limits.hosts.total = limits.concurrency;
  if (max_images > 0) limits.max_images = max_images;
  if (max_duration.count() > 0) limits.max_duration = max_duration;
  config.ca_file = options.Text("ca-file");
  config.proxy = options.Text("proxy");
  config.json = options.Flag("json");
  config.quiet = options.Flag("quiet");
  return config;
}

Result<Settings> SettingsFrom(const Options& options,
                              const std::string& input) {
  Settings settings;
  for (const Result<void>& read :
       {ReadPaths(options, input, settings), ReadNetwork(options, settings),
        ReadNumber(options, "retries", 0, 100, settings.retries),
        ReadNumber(options, "per-host", 1, 1'000, settings.per_host),
        ReadDuration(options, "timeout", settings.timeout),
        ReadDuration(options, "connect-timeout", settings.connect_timeout),
        ReadSize(options, "max-bytes", settings.max_bytes),
        ReadSize(options, "max-pixels", settings.max_pixels)}) {
    if (!read) return read.error();
  }
  settings.error_column = options.Flag("error-column");
  settings.allow_file = options.Flag("allow-file");
  if (settings.allow_file) settings.file_root = DirectoryOf(input);
  settings.spreadsheet_safe = options.Flag("spreadsheet-safe");
  settings.keep_originals = options.Flag("keep-originals");
  settings.refetch = options.Flag("refetch");
  settings.image_columns = options.Text("image-columns");
  settings.delimiter = options.Text("delimiter");
  settings.encoding = options.Text("encoding");
  settings.dialect = options.Text("dialect");
  return settings;
}

Result<Recipe> RecipeFrom(const Options& options) {
  Recipe recipe;
  if (options.Given("quality")) {
    std::string_view text = options.Text("quality");
    if (!text.empty() && text.back() == '%') {
      recipe.quality_is_percent = true;
      text.remove_suffix(1);
    }
    const auto quality = ParseInteger(text);
    if (!quality || *quality < 1 || *quality > 100) {
      return Wrong(options, "quality",
                   "type a number from 1 to 100, such as 50, or a share of "
                   "the source's quality, such as 50%");
    }
    recipe.quality = static_cast<int>(*quality);
  }
  if (options.Given("effort")) {
    const std::string& text = options.Text("effort");
    if (text == "fast") {
      recipe.effort = Effort::kFast;
    } else if (text == "balanced") {
      recipe.effort = Effort::kBalanced;
    } else if (text == "max") {
      recipe.effort = Effort::kMax;
    } else {
      return Wrong(options, "effort", "type fast, balanced or max");
    }
  }
  recipe.keep_metadata = options.Flag("keep-metadata");
  if (auto read =
          ReadNumber(options, "min-savings", 0, 99, recipe.min_savings_percent);
      !read) {
    return read.error();
  }
  return recipe;
}

}  // namespace imgbatch
