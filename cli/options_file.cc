#include "cli/options_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace imgbatch {
namespace {

std::string DefaultPath() {
  std::error_code ignored;
  if (std::filesystem::exists("imgbatch.toml", ignored)) {
    return "imgbatch.toml";
  }
  std::filesystem::path base;
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (config != nullptr && *config != '\0') {
    base = config;
  } else if (home != nullptr) {
    base = std::filesystem::path(home) / ".config";
  } else {
    return "";
  }
  const auto path = base / "imgbatch" / "imgbatch.toml";
  return std::filesystem::exists(path, ignored) ? path.string() : "";
}

std::string ValueText(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) {
    return std::to_string(*number);
  }
  if (const auto flag = node.value_exact<bool>()) {
    return *flag ? "true" : "false";
  }
  std::string joined;
  if (const auto* list = node.as_array()) {
    for (const auto& item : *list) {
      const std::string text = ValueText(item);
      if (text.empty()) return "";
      joined += (joined.empty() ? "" : ",") + text;
    }
  }
  return joined;
}

}  // namespace

Result<OptionsFile> ReadOptionsFile(const std::string& path) {
  OptionsFile file;
  file.path = path.empty() ? DefaultPath() : path;
  if (file.path.empty()) return file;
  try {
    const toml::table table = toml::parse_file(file.path);
    for (const auto& [key, node] : table) {
      FileOption option;
      option.name = std::string(key.str());
      std::replace(option.name.begin(), option.name.end(), '_', '-');
      option.line = static_cast<int>(node.source().begin.line);
      option.value = ValueText(node);
      if (option.value.empty()) {
        return Error{ErrorCode::kUsage,
                     fmt::format("{}:{}: {} needs a text, a number, true or "
                                 "false",
                                 file.path, option.line, option.name)};
      }
      file.entries.push_back(std::move(option));
    }
  } catch (const toml::parse_error& error) {
    return Error{ErrorCode::kUsage,
                 fmt::format("{}:{}: {}", file.path,
                             static_cast<int>(error.source().begin.line),
                             error.description())};
  }
  return file;
}

}  // namespace imgbatch
