#include "store/schema.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"
#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

class Schema : public testing::Test {
 protected:
  // Runs SQL on the file as another program would.
  void Execute(const std::string& sql) {
    ASSERT_TRUE(PrepareFolders(paths_));
    auto database = Database::Open(paths_, Database::Use::kWrite, {});
    ASSERT_TRUE(database);
    (*database)->Execute(sql);
    ASSERT_TRUE((*database)->TakeResult());
  }
  Error OpenError() {
    const auto store = SqliteJobStore::Open(paths_, 1);
    EXPECT_FALSE(store);
    return store ? Error{} : store.error();
  }

  TemporaryFolder folder_;
  StorePaths paths_{folder_ / "deep/folder/imgbatch.db"};
};

TEST_F(Schema, IsMadeWhereThereWasNothing) {
  ASSERT_TRUE(SqliteJobStore::Open(paths_, 1));
  auto database = Database::Open(paths_, Database::Use::kRead, {});
  EXPECT_EQ((*database)->Value("SELECT * FROM pragma_user_version"),
            kSchemaVersion);
  EXPECT_EQ((*database)->Value("SELECT * FROM pragma_application_id"),
            kApplicationId);
  EXPECT_EQ((*database)->Value("SELECT count(*) FROM schema_history"),
            kSchemaVersion);
}

TEST_F(Schema, IsMadeInAnEmptyFile) {
  ASSERT_TRUE(PrepareFolders(paths_));
  std::ofstream(paths_.database).flush();
  EXPECT_TRUE(SqliteJobStore::Open(paths_, 1));
}

TEST_F(Schema, IsMadeOnceByManyProcesses) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(SqliteJobStore::Open(paths_, 1) ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(Schema, OfANewerProgramIsRefusedWithTheVersionNeeded) {
  { ASSERT_TRUE(SqliteJobStore::Open(paths_, 1)); }
  Execute(
      "INSERT INTO schema_history VALUES (99, '7.3.1', 5);"
      "PRAGMA user_version=99");
  const Error error = OpenError();
  EXPECT_EQ(error.code, ErrorCode::kNewerSchema);
  EXPECT_NE(error.message.find("7.3.1"), std::string::npos) << error.message;
  const auto reader = SqliteJobReader::Open(paths_);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kNewerSchema);
}

TEST_F(Schema, OfAnotherProgramIsRefused) {
  Execute("CREATE TABLE address (name TEXT)");
  const Error error = OpenError();
  EXPECT_EQ(error.code, ErrorCode::kStore);
  EXPECT_NE(error.message.find("is not an imgbatch store"), std::string::npos);
  EXPECT_NE(error.message.find("--store"), std::string::npos);
}

TEST_F(Schema, IsNotLookedForInAFileThatIsNoDatabase) {
  ASSERT_TRUE(PrepareFolders(paths_));
  const std::string text = "S. No.,Product Name,Input Image Urls\n";
  std::ofstream(paths_.database) << text << std::string(2000, 'x');
  const Error error = OpenError();
  EXPECT_EQ(error.code, ErrorCode::kStore);
  EXPECT_NE(error.message.find("is not an imgbatch store"), std::string::npos)
      << error.message;
  std::ifstream file(paths_.database);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line + "\n", text) << "the file was changed";
}

TEST_F(Schema, IsNotMadeByAReader) {
  const auto reader = SqliteJobReader::Open(paths_);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kNotFound);
  EXPECT_NE(access(paths_.database.c_str(), F_OK), 0);
}

TEST_F(Schema, CannotBeMadeInADirectory) {
  StorePaths directory(folder_.path());
  const auto store = SqliteJobStore::Open(directory, 1);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kStore) << store.error().message;
}

}  // namespace
}  // namespace imgbatch
