// Measures reading a CSV file: `csv_bench FILE` prints MB/s of splitting it
// into records and fields, of finding the URLs as well, and of making the
// output CSV, with the peak memory after each. `csv_bench --make ROWS FILE`
// makes a file to measure.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include <sys/resource.h>
#include <sys/stat.h>

#include "formats/csv_catalogue.h"
#include "formats/csv_reader.h"
#include "formats/csv_writer.h"

namespace imgbatch {
namespace {

// Seconds of the processor that this process has used: what one core does,
// however many others want it.
double Now() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

void Report(const char* what, double seconds, double bytes, int64_t rows,
            int64_t items, const char* name) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%-22s %7.0f MB/s  %6.2f s  %lld rows  %lld %s  %ld MiB\n", what,
              bytes / seconds / 1e6, seconds, static_cast<long long>(rows),
              static_cast<long long>(items), name, usage.ru_maxrss / 1024);
}

// Products with one image each, about 107 bytes a row.
int Make(long long rows, const char* path) {
  std::FILE* file = std::fopen(path, "w");
  if (file == nullptr) return 1;
  std::fputs("S. No.,Product Name,Description,Price,Input Image Urls\n", file);
  for (long long i = 1; i <= rows; ++i) {
    std::fprintf(file,
                 "%lld.,SKU-%lld,\"Linen, \"\"washed\"\", no. %lld\",%lld.99,"
                 "https://cdn%lld.example.com/p/%08lld/front.jpg?v=%lld\n",
                 i, i, i, i % 997, i % 7, i, i % 10);
  }
  return std::fclose(file) == 0 ? 0 : 1;
}

int Main(const char* path) {
  struct stat info {};
  if (stat(path, &info) != 0) return 2;
  const auto bytes = static_cast<double>(info.st_size);

  const double begin = Now();
  Result<CsvSource> source = CsvSource::Open(path, "utf-8");
  if (!source) return 1;
  source->Rewind();
  CsvReader reader(*source, CsvFormat{});
  CsvRecord record;
  int64_t rows = 0;
  int64_t fields = 0;
  while (true) {
    Result<bool> more = reader.Next(record);
    if (!more || !*more) break;
    ++rows;
    fields += static_cast<int64_t>(record.fields.size());
  }
  Report("records and fields", Now() - begin, bytes, rows, fields, "fields");

  const double second = Now();
  Result<std::unique_ptr<CsvCatalogue>> catalogue =
      CsvCatalogue::Open(path, {});
  if (!catalogue) {
    std::fprintf(stderr, "%s\n", catalogue.error().message.c_str());
    return 1;
  }
  CatalogueRow row;
  rows = 0;
  int64_t urls = 0;
  while (true) {
    Result<bool> more = (*catalogue)->Next(row);
    if (!more || !*more) break;
    ++rows;
    urls += static_cast<int64_t>(row.urls.size());
  }
  Report("catalogue with URLs", Now() - second, bytes, rows, urls, "URLs");

  const double third = Now();
  int64_t written = 0;
  Result<std::unique_ptr<CsvRewriter>> rewriter =
      CsvRewriter::Open(path, {}, {}, [&](std::string_view piece) {
        written += static_cast<int64_t>(piece.size());
        return Result<void>();
      });
  if (!rewriter) return 1;
  std::vector<std::string> outputs;
  rows = 0;
  while (true) {
    Result<bool> more = (*rewriter)->NextRow(row);
    if (!more || !*more) break;
    ++rows;
    outputs.assign(row.urls.size(), "images/000001-1.jpg");
    if (!(*rewriter)->Write(outputs, {})) return 1;
  }
  Report("output CSV", Now() - third, bytes, rows, written, "bytes");
  return 0;
}

}  // namespace
}  // namespace imgbatch

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--make") == 0) {
    return imgbatch::Make(std::atoll(argv[2]), argv[3]);
  }
  if (argc != 2) {
    std::fprintf(stderr, "usage: csv_bench [--make ROWS] FILE\n");
    return 2;
  }
  return imgbatch::Main(argv[1]);
}
