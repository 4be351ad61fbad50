#include "core/file_client.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include <gtest/gtest.h>

#include "tests/support/fakes.h"

namespace imgbatch {
namespace {

TEST(FileUrl, StaysBelowItsDirectory) {
  struct Case {
    const char* raw;
    const char* url;  // Null: refused.
  };
  const Case cases[] = {
      {"a.jpg", "file:///shop/a.jpg"},
      {"img/../a.jpg", "file:///shop/a.jpg"},
      {"./img//a b.jpg", "file:///shop/img/a b.jpg"},
      {"/shop/img/a.jpg", "file:///shop/img/a.jpg"},
      {"file:///shop/a%20b.jpg", "file:///shop/a b.jpg"},
      {"file://localhost/shop/a.jpg", "file:///shop/a.jpg"},
      {"../a.jpg", nullptr},
      {"img/../../etc/passwd", nullptr},
      {"/etc/passwd", nullptr},
      {"/shopping/a.jpg", nullptr},
      {"file:///shop/%2e%2e/etc/passwd", nullptr},
      {"file://host/shop/a.jpg", nullptr},
      {"ftp://host/a.jpg", nullptr},
      {"", nullptr},
      {"/shop", nullptr},
  };
  for (const Case& c : cases) {
    auto url = FileUrlBelow("/shop", c.raw);
    ASSERT_EQ(url.has_value(), c.url != nullptr) << c.raw;
    if (url) {
      EXPECT_EQ(url->text, c.url);
    } else {
      EXPECT_EQ(url.error().code, FailureCode::kInvalidUrl);
    }
  }
}

class FileClientTest : public ::testing::Test {
 protected:
  FileClientTest() {
    std::string name = ::testing::TempDir() + "files-XXXXXX";
    char* resolved = realpath(mkdtemp(name.data()), nullptr);
    base_ = resolved;
    std::free(resolved);
    std::filesystem::create_directory(base_ + "/shop");
    std::ofstream(base_ + "/shop/a.jpg") << "picture";
    std::ofstream(base_ + "/secret.jpg") << "secret";
    std::filesystem::create_symlink("../secret.jpg", base_ + "/shop/out.jpg");
    client_ = std::make_unique<FileClient>(http_, base_ + "/shop");
  }
  ~FileClientTest() override { std::filesystem::remove_all(base_); }

  HttpAnswer Fetch(const std::string& path, HttpRequest request = {}) {
    request.url = "file://" + base_ + path;
    std::promise<HttpAnswer> answer;
    client_->Send(std::move(request), [&answer](HttpAnswer given) {
      answer.set_value(std::move(given));
    });
    return answer.get_future().get();
  }

  std::string base_;
  testing::FakeHttp http_;
  std::unique_ptr<FileClient> client_;
};

TEST_F(FileClientTest, ReadsAFileAndKnowsItAgain) {
  HttpAnswer answer = Fetch("/shop/a.jpg");
  const auto& response = std::get<HttpResponse>(answer);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body.size(), 7U);
  EXPECT_EQ(response.body_hash, HashOf("picture"));
  HttpRequest again;
  again.headers.push_back({"If-None-Match", response.etag});
  EXPECT_EQ(std::get<HttpResponse>(Fetch("/shop/a.jpg", again)).status, 304);
}

TEST_F(FileClientTest, RefusesWhatIsNoFileOfTheDirectory) {
  HttpRequest small;
  small.max_bytes = 3;
  const std::pair<HttpAnswer, FailureCode> cases[] = {
      {Fetch("/shop/out.jpg"), FailureCode::kBlockedAddress},
      {Fetch("/secret.jpg"), FailureCode::kBlockedAddress},
      {Fetch("/shop/none.jpg"), FailureCode::kInvalidUrl},
      {Fetch("/shop/a.jpg", small), FailureCode::kTooLarge},
  };
  for (const auto& [answer, code] : cases) {
    EXPECT_EQ(std::get<HttpFailure>(answer).failure.code, code);
  }
}

TEST_F(FileClientTest, PassesOnEverythingElse) {
  http_.Script("http://shop.example/a.jpg", {testing::Respond(200, "x")});
  HttpRequest request;
  request.url = "http://shop.example/a.jpg";
  int status = 0;
  client_->Send(request, [&status](HttpAnswer answer) {
    status = std::get<HttpResponse>(answer).status;
  });
  EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace imgbatch
