#include "cli/session.h"

#include "core/curl_client.h"
#include "formats/image_codec.h"

namespace imgbatch {

Result<std::unique_ptr<Session>> Session::Open(const ProcessConfig& config) {
  std::unique_ptr<Session> session(new Session(StorePaths(config.store)));
  auto store = SqliteJobStore::Open(session->paths_, session->clock_.Now());
  if (!store) return store.error();
  session->store_ = *std::move(store);
  auto reader = SqliteJobReader::Open(session->paths_);
  if (!reader) return reader.error();
  session->reader_ = *std::move(reader);
  auto pool = LocalPool::Create(session->paths_.Pool());
  if (!pool) return pool.error();
  session->pool_ = *std::move(pool);
  return session;
}

Result<std::unique_ptr<JobReader>> OpenReader(const std::string& store) {
  auto reader = SqliteJobReader::Open(StorePaths(store));
  if (!reader) return reader.error();
  return std::unique_ptr<JobReader>(*std::move(reader));
}

Result<std::unique_ptr<HttpClient>> MakeHttpClient(
    const ProcessConfig& config) {
  CurlOptions options;
  options.ca_file = config.ca_file;
  options.proxy = config.proxy;
  options.temporary_directory = StorePaths(config.store).Temporary();
  return std::unique_ptr<HttpClient>(std::make_unique<CurlClient>(options));
}

std::unique_ptr<Codec> MakeCodec(const Settings& settings) {
  CodecLimits limits;
  limits.max_pixels = settings.max_pixels;
  return std::make_unique<ImageCodec>(limits);
}

}  // namespace imgbatch
