// What inspect says of each file in samples/csv, and the output CSV that comes
// of it, as recorded in tests/golden/csv. IMGBATCH_BLESS=1 records them anew.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "cli/inspect.h"
#include "formats/csv_writer.h"

namespace imgbatch {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Samples() {
  std::vector<std::string> names;
  for (const auto& entry :
       fs::directory_iterator(fs::path(IMGBATCH_SOURCE_DIR) / "samples/csv")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = "tests/golden/csv/" + name;
  if (std::getenv("IMGBATCH_BLESS") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, golden) << path;
}

class CsvSample : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { fs::current_path(IMGBATCH_SOURCE_DIR); }
};

std::string Inspected(InspectOptions::Form form, const std::string& path) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  InspectOptions options;
  options.path = path;
  options.form = form;
  Result<void> done = Inspect(options, out, out);
  if (!done) std::fprintf(out, "error: %s\n", done.error().message.c_str());
  std::fclose(out);
  std::string result(text, size);
  std::free(text);
  return result;
}

TEST_P(CsvSample, IsUnderstood) {
  const std::string path = "samples/csv/" + GetParam();
  ExpectGolden(GetParam() + ".json",
               Inspected(InspectOptions::Form::kJson, path));
}

TEST_P(CsvSample, IsShown) {
  const std::string path = "samples/csv/" + GetParam();
  ExpectGolden(GetParam() + ".txt",
               Inspected(InspectOptions::Form::kText, path));
}

TEST_P(CsvSample, GivesItsRows) {
  const std::string path = "samples/csv/" + GetParam();
  ExpectGolden(GetParam() + ".rows",
               Inspected(InspectOptions::Form::kRows, path));
}

TEST_P(CsvSample, ComesBackWithTheOutputs) {
  std::string output;
  Result<std::unique_ptr<CsvRewriter>> rewriter =
      CsvRewriter::Open("samples/csv/" + GetParam(), {}, {},
                        [&](std::string_view piece) -> Result<void> {
                          output += piece;
                          return {};
                        });
  if (!rewriter) {
    EXPECT_EQ(rewriter.error().code, ErrorCode::kInput);
    ExpectGolden(GetParam() + ".out", "error\n");
    return;
  }
  CatalogueRow row;
  while (true) {
    Result<bool> more = (*rewriter)->NextRow(row);
    ASSERT_TRUE(more);
    if (!*more) break;
    std::vector<std::string> outputs;
    for (size_t i = 0; i < row.urls.size(); ++i) {
      outputs.push_back("out/" + std::to_string(row.row) + "-" +
                        std::to_string(i + 1) + ".jpg");
    }
    ASSERT_TRUE((*rewriter)->Write(outputs, {}));
  }
  ExpectGolden(GetParam() + ".out", output);
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Samples, CsvSample, testing::ValuesIn(Samples()),
                         TestName);

}  // namespace
}  // namespace imgbatch
