#include "store/database.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace imgbatch {
namespace {

class Databases : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(PrepareFolders(paths_));
    database_ = *Database::Open(paths_, Database::Use::kWrite, {});
    database_->UseLog();
    database_->Execute("CREATE TABLE t (a ANY UNIQUE) STRICT");
    ASSERT_TRUE(database_->TakeResult());
  }
  int64_t Rows() { return database_->Value("SELECT count(*) FROM t"); }

  TemporaryFolder folder_;
  StorePaths paths_{folder_ / "a.db"};
  std::unique_ptr<Database> database_;
};

TEST_F(Databases, GiveBackEveryByteOfATextOrBlob) {
  for (const std::string& bytes :
       {std::string(), std::string("text"), std::string("caf\xC3\xA9"),
        std::string("caf\xE9"), std::string("a\0b", 3)}) {
    database_->Run("DELETE FROM t");
    database_->Run("INSERT INTO t VALUES (?)", bytes);
    Query query(*database_, "SELECT a FROM t");
    ASSERT_TRUE(query.Next());
    EXPECT_EQ(query.Text(0), bytes);
  }
}

TEST_F(Databases, KeepInvalidTextOutOfTextColumns) {
  database_->Run("INSERT INTO t VALUES (?)", std::string("fine"));
  database_->Run("INSERT INTO t VALUES (?)", std::string("\xE9"));
  EXPECT_EQ(database_->Value("SELECT count(*) FROM t WHERE typeof(a) = ?",
                             std::string("blob")),
            1);
}

TEST_F(Databases, CommitNothingOfATransactionThatMetAnError) {
  Transaction transaction(*database_);
  database_->Run("INSERT INTO t VALUES (?)", 1);
  database_->Run("INSERT INTO t VALUES (?)", 1);  // Not unique.
  EXPECT_EQ(database_->Run("INSERT INTO t VALUES (?)", 2), 0);
  const Result<void> committed = transaction.Commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, ErrorCode::kStore);
  EXPECT_EQ(Rows(), 0);
  EXPECT_TRUE(database_->TakeResult()) << "the error was reported already";
}

TEST_F(Databases, UndoATransactionThatIsNotCommitted) {
  {
    Transaction transaction(*database_);
    database_->Run("INSERT INTO t VALUES (?)", 1);
  }
  EXPECT_EQ(Rows(), 0);
}

TEST_F(Databases, TellTheRowsChanged) {
  EXPECT_EQ(database_->Run("INSERT INTO t VALUES (1), (2), (3)"), 3);
  EXPECT_EQ(database_->Run("DELETE FROM t WHERE a > ?", 1), 2);
}

TEST_F(Databases, EndQueriesWhenTheirTimeIsOver) {
  database_->LimitTime(Milliseconds(20));
  database_->Value(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
      " SELECT count(*) FROM n");
  EXPECT_EQ(database_->TakeResult().error().code, ErrorCode::kCancelled);
  database_->LimitTime(Milliseconds(0));
  EXPECT_EQ(Rows(), 0);
  EXPECT_TRUE(database_->TakeResult());
}

TEST_F(Databases, LetAReaderLookWhileAWriterIsInATransaction) {
  Transaction transaction(*database_);
  database_->Run("INSERT INTO t VALUES (?)", 1);
  auto reader = Database::Open(paths_, Database::Use::kRead, {});
  EXPECT_EQ((*reader)->Value("SELECT count(*) FROM t"), 0);
  ASSERT_TRUE(transaction.Commit());
  EXPECT_EQ((*reader)->Value("SELECT count(*) FROM t"), 1);
}

TEST_F(Databases, DoNotLetAReaderWrite) {
  auto reader = Database::Open(paths_, Database::Use::kRead, {});
  (*reader)->Run("INSERT INTO t VALUES (?)", 1);
  EXPECT_FALSE((*reader)->TakeResult());
  EXPECT_EQ(Rows(), 0);
}

}  // namespace
}  // namespace imgbatch
