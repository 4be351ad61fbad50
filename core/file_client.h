// Pictures beside the CSV: `file://` URLs and relative paths, only where that
// was allowed, and only below one directory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/http_client.h"
#include "core/queue.h"
#include "core/result.h"
#include "core/url.h"

namespace imgbatch {

// True for what FileUrlBelow makes.
bool IsFileUrl(std::string_view url);

// Reads a cell's text ("file:///a/b.jpg", "/a/b.jpg" or "b.jpg") as a file
// below `root`, an absolute path without symbolic links. Pure: that it exists
// and is no way out through a link is looked at when it is read. kInvalidUrl.
Result<Url, Failure> FileUrlBelow(std::string_view root, std::string_view raw);

// The URL that a cell's text means: ParseUrl's, or with `root` not empty that
// of a file, for whatever is no web address.
Result<Url, Failure> ParseUrlOrFile(std::string_view root,
                                    std::string_view raw);

// A URL as it was recorded: of FileUrlBelow or of ParseUrl.
Result<Url, Failure> ParseRecordedUrl(std::string_view text);

// Reads files on a thread of its own and passes everything else on. An ETag of
// size and time stands for the file's content, so that unchanged files are
// answered with 304. Thread-safe.
class FileClient final : public HttpClient {
 public:
  // `next` is borrowed. `root` empty: no file is readable.
  FileClient(HttpClient& next, std::string root);
  ~FileClient() override;

  void Send(HttpRequest request, HttpCompletion done) override;
  void CancelAll() override { next_.CancelAll(); }
  HttpStatistics Statistics() const override { return next_.Statistics(); }

 private:
  struct Job {
    HttpRequest request;
    HttpCompletion done;
  };
  HttpAnswer Read(const HttpRequest& request) const;

  HttpClient& next_;
  const std::string root_;
  Queue<Job> jobs_;
  std::thread thread_;
};

}  // namespace imgbatch
