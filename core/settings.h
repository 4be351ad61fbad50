// Everything a batch needs to be gone on with by any process from any
// directory; stored with it as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/address.h"
#include "core/clock.h"
#include "core/result.h"

namespace imgbatch {

struct Settings {
  // Where things go. Absolute, "-" for standard output.
  std::string output_path;
  std::string images_dir;        // Absolute.
  std::string images_dir_shown;  // As typed: what output cells begin with.
  std::string base_url;          // Prefix of output URLs; empty: paths.
  std::string name_template = "{row:06}-{n}.{ext}";
  bool error_column = false;
  bool spreadsheet_safe = false;

  // The input's real path, "-" for standard input: whose images these are.
  std::string source_path;
  // A large input is copied while it is recorded: until that is done, this is
  // where it is (absolute) and what FileStamp says of it. Empty: copied before.
  std::string input_path;
  std::string input_stamp;

  // How the input is read; empty: detected.
  std::string image_columns;
  std::string delimiter;
  std::string encoding;
  std::string dialect;
  bool allow_file = false;
  std::string file_root;  // The CSV's own directory, absolute and real.

  // How images are fetched.
  NetworkPolicy network;
  int retries = 4;  // After the first try.
  Milliseconds timeout{30'000};
  Milliseconds connect_timeout{10'000};
  uint64_t max_bytes = uint64_t{50} << 20;
  uint64_t max_pixels = 50'000'000;
  int per_host = 6;
  std::string user_agent;  // Empty: imgbatch/VERSION (+URL).
  bool refetch = false;    // Send no conditional requests.
  // Keep what was downloaded in the pool as well, so that another recipe needs
  // no download when the origin says that nothing changed.
  bool keep_originals = false;
  // Absolute path of a file of HeaderRules, read by each process; the secrets
  // in it are not stored.
  std::string header_file;
  // Refuse images whose X-Robots-Tag says noai or noimageai.
  bool respect_noai = false;
};

// One "key=value" a line, "%", CR and LF percent-encoded. Keys at their
// default are left out; ParseSettings(ToText(s)) == s; unknown keys are kept
// out of it with kNewerSchema, since a newer program wrote them.
std::string ToText(const Settings& settings);
Result<Settings> ParseSettings(std::string_view text);

}  // namespace imgbatch
