#include "core/file_client.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace imgbatch {
namespace {

constexpr std::string_view kScheme = "file://";

Failure Invalid(std::string message) {
  return {FailureCode::kInvalidUrl, 0, std::move(message)};
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high =
        text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

bool IsBelow(std::string_view path, std::string_view root) {
  return path.size() > root.size() + 1 && path.starts_with(root) &&
         (root == "/" || path[root.size()] == '/');
}

Url UrlOfPath(const std::string& path) {
  return {std::string(kScheme) + path, "file",
          path.substr(path.rfind('/') + 1)};
}

HttpAnswer Refuse(FailureCode code, std::string message) {
  return HttpFailure{{code, 0, std::move(message)}, false, 0};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

bool IsFileUrl(std::string_view url) { return url.starts_with(kScheme); }

Result<Url, Failure> FileUrlBelow(std::string_view root, std::string_view raw) {
  if (raw.empty()) return Invalid("the path is empty");
  if (raw.find('\0') != std::string_view::npos) {
    return Invalid("a path cannot contain a NUL");
  }
  std::string path(raw);
  if (IsFileUrl(raw)) {
    path = PercentDecoded(raw.substr(kScheme.size()));
    if (path.starts_with("localhost/")) path.erase(0, 9);
    if (!path.starts_with('/')) {
      return Invalid("a file URL begins with file:///");
    }
  } else if (raw.find("://") != std::string_view::npos) {
    return Invalid("only http, https and file URLs can be read");
  }
  if (path.find('\0') != std::string::npos) {
    return Invalid("a path cannot contain a NUL");
  }
  if (!path.starts_with('/')) path = std::string(root) + "/" + path;
  path = std::filesystem::path(path).lexically_normal().string();
  if (!IsBelow(path, root)) {
    return Invalid("the file is not below the directory of the CSV");
  }
  return UrlOfPath(path);
}

Result<Url, Failure> ParseUrlOrFile(std::string_view root,
                                    std::string_view raw) {
  Result<Url, Failure> url = ParseUrl(raw);
  if (url || root.empty() || raw.starts_with("//") ||
      (raw.find("://") != std::string_view::npos && !IsFileUrl(raw))) {
    return url;
  }
  return FileUrlBelow(root, raw);
}

Result<Url, Failure> ParseRecordedUrl(std::string_view text) {
  if (!IsFileUrl(text)) return ParseUrl(text);
  return UrlOfPath(std::string(text.substr(kScheme.size())));
}

FileClient::FileClient(HttpClient& next, std::string root)
    : next_(next), root_(std::move(root)), thread_([this] {
        while (auto job = jobs_.Take()) job->done(Read(job->request));
      }) {}

FileClient::~FileClient() {
  jobs_.Close();
  thread_.join();
}

void FileClient::Send(HttpRequest request, HttpCompletion done) {
  if (IsFileUrl(request.url)) {
    jobs_.Push({std::move(request), std::move(done)});
  } else {
    next_.Send(std::move(request), std::move(done));
  }
}

HttpAnswer FileClient::Read(const HttpRequest& request) const {
  const std::string path = request.url.substr(kScheme.size());
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) {
    return Refuse(FailureCode::kInvalidUrl,
                  std::string("cannot read the file: ") + std::strerror(errno));
  }
  const std::string real = resolved;
  std::free(resolved);
  if (root_.empty() || !IsBelow(real, root_)) {
    return Refuse(FailureCode::kBlockedAddress,
                  "the file is not below the directory of the CSV");
  }
  const Descriptor file(
      open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  struct stat about {};
  if (file.number() < 0 || fstat(file.number(), &about) != 0) {
    return Refuse(FailureCode::kInvalidUrl,
                  std::string("cannot read the file: ") + std::strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) {
    return Refuse(FailureCode::kInvalidUrl, "not a regular file");
  }
  const auto size = static_cast<uint64_t>(about.st_size);
  if (size > request.max_bytes) {
    return Refuse(FailureCode::kTooLarge,
                  fmt::format("the file has {} bytes, more than {}", size,
                              request.max_bytes));
  }
  HttpResponse response;
  response.etag = fmt::format("\"{}-{}.{:09}\"", size, about.st_mtim.tv_sec,
                              about.st_mtim.tv_nsec);
  for (const HttpHeader& header : request.headers) {
    if (header.name == "If-None-Match" && header.value == response.etag) {
      response.status = 304;
      return response;
    }
  }
  std::vector<uint8_t> bytes(size);
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count =
        read(file.number(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      return Refuse(FailureCode::kTruncated, "the file became shorter");
    }
    filled += static_cast<size_t>(count);
  }
  response.status = 200;
  response.body_hash = HashOf(std::span<const uint8_t>(bytes));
  response.body = Body(std::move(bytes));
  return response;
}

}  // namespace imgbatch
