#include "formats/csv_catalogue.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace imgbatch {
namespace {

class CsvCatalogueTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() /
             ("csv_catalogue_test-" + std::to_string(getpid()) + ".csv"))
                .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void Write(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  std::string path_;
};

TEST_F(CsvCatalogueTest, GivesRowsInOrder) {
  Write(
      "Product Name,Input Image Urls\n"
      "Cup,\"https://e.com/1.jpg, https://e.com/2.jpg\"\n"
      "Pot\n"
      "Mug,https://e.com/3.jpg\n");
  Result<std::unique_ptr<CsvCatalogue>> catalogue =
      CsvCatalogue::Open(path_, {});
  ASSERT_TRUE(catalogue);
  CatalogueRow row;
  ASSERT_TRUE(*(*catalogue)->Next(row));
  EXPECT_EQ(row.row, 1);
  EXPECT_EQ(row.product, "Cup");
  EXPECT_EQ(row.urls.size(), 2u);
  EXPECT_FALSE(row.bad);
  ASSERT_TRUE(*(*catalogue)->Next(row));
  EXPECT_EQ(row.row, 2);
  ASSERT_TRUE(row.bad);
  EXPECT_EQ(row.bad->line, 3);
  EXPECT_EQ(row.bad->byte_offset, 77);
  EXPECT_EQ(row.bad->reason, "1 field where the header has 2");
  EXPECT_TRUE(row.urls.empty());
  ASSERT_TRUE(*(*catalogue)->Next(row));
  EXPECT_EQ(row.row, 3);
  EXPECT_EQ(row.urls, std::vector<std::string>{"https://e.com/3.jpg"});
  EXPECT_FALSE(*(*catalogue)->Next(row));
}

TEST_F(CsvCatalogueTest, GoesOnAfterARow) {
  std::string text = "image\n";
  for (int i = 1; i <= 100; ++i) {
    text += "https://e.com/" + std::to_string(i) + ".jpg\n";
  }
  Write(text);
  Result<std::unique_ptr<CsvCatalogue>> catalogue =
      CsvCatalogue::Open(path_, {});
  ASSERT_TRUE(catalogue);
  ASSERT_TRUE((*catalogue)->SkipThrough(42));
  CatalogueRow row;
  ASSERT_TRUE(*(*catalogue)->Next(row));
  EXPECT_EQ(row.row, 43);
  EXPECT_EQ(row.urls[0], "https://e.com/43.jpg");
}

TEST_F(CsvCatalogueTest, InvalidBytesBehindTheSampleAreWindows1252) {
  // Valid for longer than any sample of the encoding is, then not.
  Write("image\n");
  {
    std::ofstream file(path_, std::ios::binary | std::ios::app);
    const std::string line = "https://e.com/" + std::string(1000, 'x') + "\n";
    std::string block;
    while (block.size() < (size_t{1} << 20)) block += line;
    for (int i = 0; i < 66; ++i) file << block;
    file << "https://e.com/t\xE4sse.jpg\n";
  }
  Result<std::unique_ptr<CsvCatalogue>> catalogue =
      CsvCatalogue::Open(path_, {});
  ASSERT_TRUE(catalogue);
  EXPECT_EQ((*catalogue)->profile().encoding, CsvEncoding::kUtf8);
  CatalogueRow row;
  std::string last;
  while (*(*catalogue)->Next(row)) last = row.urls[0];
  EXPECT_EQ(last, "https://e.com/t\xC3\xA4sse.jpg");
  EXPECT_EQ((*catalogue)->foreign_cells(), 1);
}

}  // namespace
}  // namespace imgbatch
