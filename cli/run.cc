// imgbatch run: record a CSV, then do what resume does.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/batch_text.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/csv_settings.h"
#include "cli/drain.h"
#include "cli/events.h"
#include "cli/images_directory.h"
#include "cli/quantities.h"
#include "cli/row_reader.h"
#include "cli/session.h"
#include "core/hash.h"
#include "core/uuid.h"
#include "formats/csv_catalogue.h"
#include "store/atomic_file.h"
#include "store/kept_input.h"

namespace imgbatch {
namespace {

// One input of the command line, with everything that was said about it.
struct Input {
  std::string path;  // "-" for standard input.
  Settings settings;
  Recipe recipe;
  std::string identity;  // Empty: never the same as another (a pipe).
};

// Files above this size are copied while they are recorded: the first download
// must not wait for it.
constexpr off_t kCopiedBefore = off_t{64} << 20;

std::string RealPath(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  std::string real = resolved == nullptr ? path : resolved;
  std::free(resolved);
  return real;
}

// Equal for the same file, unchanged, with the same settings. Its bytes are not
// read for that: a large file would take too long.
Result<std::string> IdentityOf(const Input& input) {
  if (input.path == "-") return std::string();
  struct stat about {};
  if (stat(input.path.c_str(), &about) != 0) {
    return Error{
        ErrorCode::kInput,
        fmt::format("cannot read {}: {}", input.path, std::strerror(errno))};
  }
  if (S_ISDIR(about.st_mode)) {
    return Error{ErrorCode::kInput,
                 input.path + " is a directory; name a CSV file"};
  }
  return ToHex(HashOf(fmt::format("{}\n{}\n{}\n{}", RealPath(input.path),
                                  FileStamp(input.path), ToText(input.settings),
                                  ToText(input.recipe))));
}

bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat about_a {};
  struct stat about_b {};
  return stat(a.c_str(), &about_a) == 0 && stat(b.c_str(), &about_b) == 0 &&
         about_a.st_dev == about_b.st_dev && about_a.st_ino == about_b.st_ino;
}

Result<Input> ReadInput(const Options& options, const std::string& path) {
  Input input;
  input.path = path;
  auto settings = SettingsFrom(options, path);
  if (!settings) return settings.error();
  input.settings = *std::move(settings);
  input.settings.source_path = path == "-" ? path : RealPath(path);
  auto recipe = RecipeFrom(options);
  if (!recipe) return recipe.error();
  input.recipe = *recipe;
  auto identity = IdentityOf(input);
  if (!identity) return identity.error();
  input.identity = *std::move(identity);
  if (path != "-" && IsSameFile(path, input.settings.output_path)) {
    return Error{ErrorCode::kUsage, "the output would replace the input " +
                                        path + "; name another file with -o"};
  }
  return input;
}

// That the outputs can be written is better known before hours of work.
Result<void> PrepareOutputs(const Options& options, const Settings& settings) {
  if (settings.output_path != "-") {
    auto file = AtomicFile::Create(settings.output_path);
    if (!file && file.error().code != ErrorCode::kBusy) {
      return Error{ErrorCode::kOutput,
                   file.error().message + "; choose another file with -o"};
    }
  }
  return PrepareImagesDirectory(
      settings.images_dir, settings.source_path,
      options.Flag("force") ? ForeignFiles::kAccept : ForeignFiles::kRefuse);
}

void Announce(const CsvProfile& profile, const std::string& path,
              const BatchView& batch) {
  std::string columns;
  for (const size_t column : profile.image_columns) {
    columns += (columns.empty() ? "" : ", ") + profile.columns[column];
  }
  std::fprintf(stderr, "%s: %s, %s, images in: %s; batch %s\n", path.c_str(),
               profile.dialect.c_str(), EncodingLabel(profile).c_str(),
               columns.c_str(), ShortId(batch.uuid).c_str());
  for (const std::string& warning : profile.warnings) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
}

// Makes sure that the input can be used and will be kept; tells what it is.
// A file is judged before it is copied, a pipe can only be judged after.
Result<CsvProfile> TakeIn(Session& session, const Options& options,
                          const std::string& uuid, Input& input) {
  struct stat about {};
  const bool is_file = input.path != "-" &&
                       stat(input.path.c_str(), &about) == 0 &&
                       S_ISREG(about.st_mode);
  if (!is_file) {
    auto ready = PrepareOutputs(options, input.settings);
    if (!ready) return ready.error();
    auto kept = input.path == "-"
                    ? KeepStream(session.paths(), uuid, STDIN_FILENO)
                    : KeepFile(session.paths(), uuid, input.path);
    if (!kept) return kept.error();
    auto opened = CsvCatalogue::Open(kept->path, CsvOptionsOf(input.settings));
    if (opened) return (*opened)->profile();
    unlink(kept->path.c_str());
    return opened.error();
  }
  auto opened = CsvCatalogue::Open(input.path, CsvOptionsOf(input.settings));
  if (!opened) return opened.error();
  auto ready = PrepareOutputs(options, input.settings);
  if (!ready) return ready.error();
  if (about.st_size > kCopiedBefore) {
    input.settings.input_path = RealPath(input.path);
    input.settings.input_stamp = FileStamp(input.path);
  } else {
    auto kept = KeepFile(session.paths(), uuid, input.path);
    if (!kept) return kept.error();
  }
  return (*opened)->profile();
}

// A new batch of the input: kept, detected, in the store, nothing recorded.
Result<BatchKey> CreateBatch(Session& session, const Options& options,
                             const ProcessConfig& config, Input input) {
  NewBatch batch;
  const WallTime now = session.clock().Now();
  batch.uuid = NewUuid(now);
  auto profile = TakeIn(session, options, batch.uuid, input);
  if (!profile) return profile.error();
  batch.source = input.path;
  batch.identity = input.identity.empty() ? batch.uuid : input.identity;
  batch.settings = ToText(input.settings);
  batch.recipe = ToText(input.recipe);
  batch.recipe_fingerprint = Fingerprint(input.recipe);
  batch.kept_input = KeptInputOf(session.paths(), batch.uuid).relative;
  auto key = session.store().CreateBatch(batch, now);
  if (!key) return key.error();
  auto view = session.reader().ReadBatch(*key);
  if (!view) return view.error();
  if (config.json) {
    auto json = BatchJson(session.reader(), *view);
    if (!json) return json.error();
    PrintEvent("started", session.clock(), *json);
  } else if (!config.quiet) {
    Announce(*profile, input.path, *view);
  }
  return *key;
}

// The batch that goes on when the same input is given again.
Result<std::optional<BatchKey>> FindUnfinished(Session& session,
                                               const Options& options,
                                               const ProcessConfig& config,
                                               const Input& input) {
  if (options.Flag("new") || input.identity.empty())
    return std::optional<BatchKey>();
  auto found = session.reader().FindByIdentity(input.identity,
                                               /*unfinished=*/true);
  if (!found) return found.error();
  if (!*found) return std::optional<BatchKey>();
  const BatchView& batch = **found;
  if (config.json) {
    auto json = BatchJson(session.reader(), batch);
    if (!json) return json.error();
    PrintEvent("started", session.clock(), *json);
  } else if (!config.quiet) {
    std::fprintf(stderr,
                 "%s: going on with batch %s, %s of %s images are done "
                 "(--new starts afresh)\n",
                 input.path.c_str(), ShortId(batch.uuid).c_str(),
                 ShowCount(batch.tally.done).c_str(),
                 ShowCount(batch.tally.total).c_str());
  }
  return std::optional<BatchKey>(batch.key);
}

Result<ExitStatus> RunOne(Session& session, const Options& options,
                          const ProcessConfig& config, const Input& input,
                          Signals& signals) {
  auto key = FindUnfinished(session, options, config, input);
  if (!key) return key.error();
  if (*key) {
    if (auto ready = PrepareOutputs(options, input.settings); !ready) {
      return ready.error();
    }
    return DrainAndReport(session, config, **key, signals);
  }
  auto created = CreateBatch(session, options, config, input);
  if (!created) return created.error();
  return DrainAndReport(session, config, *created, signals);
}

}  // namespace

Result<ExitStatus> RunCommand(const Options& options, Signals& signals) {
  auto config = ProcessConfigFrom(options);
  if (!config) return config.error();
  if (config->json && options.Text("output") == "-") {
    return Error{ErrorCode::kUsage,
                 "--json and -o - both write to standard output; name a file "
                 "with -o"};
  }
  // Every input is looked at before the first one is worked on.
  std::vector<Input> inputs;
  for (const std::string& path : options.arguments) {
    auto input = ReadInput(options, path);
    if (!input) return input.error();
    inputs.push_back(*std::move(input));
  }
  auto session = Session::Open(*config);
  if (!session) return session.error();
  ExitStatus worst = ExitStatus::kOk;
  for (const Input& input : inputs) {
    auto status = RunOne(**session, options, *config, input, signals);
    if (!status) return status.error();
    if (*status != ExitStatus::kOk && *status != ExitStatus::kSomeFailed &&
        *status != ExitStatus::kAllFailed) {
      return *status;
    }
    worst = std::max(worst, *status);
  }
  return worst;
}

}  // namespace imgbatch
