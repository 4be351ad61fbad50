#include "cli/options.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

// Parses in an empty directory, so that no imgbatch.toml is found by chance.
class OptionsTest : public testing::Test {
 protected:
  OptionsTest() {
    std::string name = testing::TempDir() + "options-XXXXXX";
    directory_ = mkdtemp(name.data());
    setenv("XDG_CONFIG_HOME", directory_.c_str(), 1);
  }
  ~OptionsTest() override {
    for (const char* name :
         {"IMGBATCH_QUALITY", "IMGBATCH_REFETCH", "WORKER_CONCURRENCY"}) {
      unsetenv(name);
    }
    std::filesystem::remove_all(directory_);
  }

  std::string WriteFile(const std::string& text) const {
    const std::string path = directory_ + "/test.toml";
    std::ofstream(path) << text;
    return path;
  }

  static Options Parsed(std::vector<const char*> arguments) {
    auto result = Parse(std::move(arguments));
    if (!result) {
      ADD_FAILURE() << result.error().message;
      return {};
    }
    return std::get<Options>(*result);
  }
  static std::string Refused(std::vector<const char*> arguments) {
    auto result = Parse(std::move(arguments));
    if (result) return "accepted";
    EXPECT_EQ(result.error().code, ErrorCode::kUsage);
    EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
    return result.error().message;
  }

 private:
  static Result<std::variant<Options, HelpText>> Parse(
      std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "imgbatch");
    return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
  }

  std::string directory_;
};

TEST_F(OptionsTest, ReadsACommandLine) {
  const Options options =
      Parsed({"run", "a.csv", "-o", "out.csv", "--quality=60%", "-q"});
  EXPECT_EQ(options.command, "run");
  EXPECT_EQ(options.arguments, std::vector<std::string>{"a.csv"});
  EXPECT_EQ(options.Text("output"), "out.csv");
  EXPECT_EQ(options.Text("quality"), "60%");
  EXPECT_TRUE(options.Flag("quiet"));
  EXPECT_FALSE(options.Flag("json"));
}

TEST_F(OptionsTest, PrefersFlagThenEnvironmentThenFile) {
  const std::string file =
      WriteFile("quality = 30\nper_host = 3\nrefetch = true\n");
  EXPECT_EQ(Parsed({"run", "a.csv", "--config", file.c_str()}).Text("quality"),
            "30");
  setenv("IMGBATCH_QUALITY", "40", 1);
  Options options = Parsed({"run", "a.csv", "--config", file.c_str()});
  EXPECT_EQ(options.Text("quality"), "40");
  EXPECT_EQ(options.Origin("quality"), "IMGBATCH_QUALITY");
  EXPECT_EQ(options.Text("per-host"), "3");
  EXPECT_TRUE(options.Flag("refetch"));
  setenv("IMGBATCH_REFETCH", "0", 1);
  options =
      Parsed({"run", "a.csv", "--config", file.c_str(), "--quality", "50"});
  EXPECT_EQ(options.Text("quality"), "50");
  EXPECT_FALSE(options.Flag("refetch"));
}

TEST_F(OptionsTest, KnowsOtherNamesOfVariables) {
  setenv("WORKER_CONCURRENCY", "5", 1);
  EXPECT_EQ(Parsed({"run", "a.csv"}).Text("concurrency"), "5");
}

TEST_F(OptionsTest, SaysWhatToTypeInstead) {
  EXPECT_EQ(Refused({"run", "a.csv", "--qualty", "5"}),
            "unknown option --qualty; did you mean --quality?");
  EXPECT_EQ(Refused({"rnu", "a.csv"}),
            "unknown command \"rnu\"; did you mean run?");
  EXPECT_EQ(Refused({"products.csv"}),
            "unknown command \"products.csv\"; type imgbatch run products.csv");
  EXPECT_EQ(Refused({"run"}), "which CSV? type imgbatch run CSV");
  EXPECT_EQ(Refused({"--bogus"}),
            "unknown option --bogus; see imgbatch "
            "--help");
  EXPECT_EQ(Refused({"version", "extra"}),
            "unexpected argument \"extra\"; see imgbatch version --help");
}

TEST_F(OptionsTest, NamesTheLineOfAWrongFile) {
  const std::string unknown = WriteFile("\nqualty = 30\n");
  EXPECT_EQ(Refused({"run", "a.csv", "--config", unknown.c_str()}),
            unknown + ":2: unknown key \"qualty\"; did you mean quality?");
  const std::string broken = WriteFile("quality = \n");
  EXPECT_EQ(Refused({"run", "a.csv", "--config", broken.c_str()})
                .find(broken + ":1: "),
            0U);
}

TEST_F(OptionsTest, EveryCommandHasHelp) {
  for (const CommandSpec& command : AllCommands()) {
    const char* arguments[] = {"imgbatch", command.name, "--help"};
    auto result = ParseOptions(3, arguments);
    ASSERT_TRUE(result) << command.name;
    EXPECT_NE(std::get<HelpText>(*result).text.find("--config"),
              std::string::npos)
        << command.name;
  }
}

}  // namespace
}  // namespace imgbatch
