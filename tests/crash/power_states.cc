// power_states LOG INPUT FINAL SCRATCH [STATES [SEED]]
//
// Replays what record_io.cc recorded of a small batch, stops after each record,
// and builds on disk what a power loss at that moment may have left: data that
// was not synced is gone, there, torn, or there in part; names in a directory
// that was not synced are gone or there. Each state is opened as a store and
// must keep the promises:
//
//   the store opens; when it knows a batch, its kept input is INPUT;
//   a `done` image has its pool file, and that has the key's SHA-256;
//   output.csv is missing or that of FINAL, and then so is every image name.
//
// With POWER_IGNORE_SYNC=1 no sync of a file does anything, as on a disk that
// lies: violations must show then, or this program is good for nothing.
//
// FINAL is the directory as the recorded processes left it. Prints the
// violations and how many states there were.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/hash.h"
#include "store/sqlite_job_reader.h"
#include "store/sqlite_job_store.h"
#include "tests/crash/io_record.h"

namespace imgbatch::testing {
namespace {

namespace fs = std::filesystem;

struct Record {
  IoRecord head;
  std::string path;
  std::string data;
};

std::string ReadAll(const std::string& path) {
  if (!fs::is_regular_file(path)) return "";
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Record> ReadLog(const std::string& path) {
  const std::string bytes = ReadAll(path);
  std::vector<Record> records;
  for (size_t at = 0; at + sizeof(IoRecord) <= bytes.size();) {
    Record record;
    std::memcpy(&record.head, bytes.data() + at, sizeof(IoRecord));
    at += sizeof(IoRecord);
    record.path = bytes.substr(at, record.head.path_bytes);
    at += record.head.path_bytes;
    record.data = bytes.substr(at, record.head.data_bytes);
    at += record.head.data_bytes;
    records.push_back(std::move(record));
  }
  return records;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// What is lost of that which was not synced.
enum class Loss { kAll, kNothing, kData, kNames, kRandom, kTail };
constexpr Loss kLosses[] = {Loss::kAll,   Loss::kNothing, Loss::kData,
                            Loss::kNames, Loss::kRandom,  Loss::kTail};

struct Change {  // Of a file's data.
  bool truncates = false;
  uint64_t number = 0;  // Offset or size.
  std::string data;
};

struct FileState {
  std::string durable;
  std::vector<Change> pending;
};

struct NameChange {
  IoOp op;
  std::string path;
  std::string to;  // Of a rename.
  std::shared_ptr<FileState> file;
};

void Apply(const Change& change, std::string& bytes) {
  if (change.truncates) {
    bytes.resize(change.number, '\0');
    return;
  }
  const size_t end = change.number + change.data.size();
  if (bytes.size() < end) bytes.resize(end, '\0');
  bytes.replace(change.number, change.data.size(), change.data);
}

// The directory tree: a name is a file, or (null) a directory.
using Tree = std::map<std::string, std::shared_ptr<FileState>>;

void Apply(const NameChange& change, Tree& tree) {
  const std::string& target =
      change.op == IoOp::kRename ? change.to : change.path;
  if (change.op == IoOp::kUnlink) {
    tree.erase(change.path);
    return;
  }
  // What is in a directory that is lost is lost.
  if (ParentOf(target) != "." && !tree.contains(ParentOf(target))) return;
  if (change.op == IoOp::kRename) tree.erase(change.path);
  tree[target] = change.file;
}

// A disk with a cache that forgets.
class Disk {
 public:
  explicit Disk(bool lies) : lies_(lies) {}

  void Take(const Record& record) {
    const IoRecord& head = record.head;
    switch (head.op) {
      case IoOp::kCreate:
        files_[head.inode] = std::make_shared<FileState>();
        Rename({IoOp::kCreate, record.path, "", files_[head.inode]});
        break;
      case IoOp::kUnnamed:
        files_[head.inode] = std::make_shared<FileState>();
        break;
      case IoOp::kWrite:
        File(head.inode).pending.push_back({false, head.number, record.data});
        break;
      case IoOp::kTruncate:
        File(head.inode).pending.push_back({true, head.number, ""});
        break;
      case IoOp::kSync: {
        if (lies_) break;
        FileState& file = File(head.inode);
        for (const Change& change : file.pending) Apply(change, file.durable);
        file.pending.clear();
        break;
      }
      case IoOp::kSyncDirectory:
        SyncDirectory(record.path);
        break;
      case IoOp::kLink:
        Rename({IoOp::kLink, record.path, "", files_[head.inode]});
        break;
      case IoOp::kRename:
        Rename({IoOp::kRename, record.path, record.data, now_[record.path]});
        break;
      case IoOp::kUnlink:
        Rename({IoOp::kUnlink, record.path, "", nullptr});
        break;
      case IoOp::kMakeDirectory:
        Rename({IoOp::kMakeDirectory, record.path, "", nullptr});
        break;
    }
  }

  // Writes one legal state after a power loss into the directory.
  void Build(const std::string& directory, Loss loss,
             std::mt19937_64& random) const {
    Tree tree = durable_;
    const size_t kept = random() % (names_.size() + 1);
    for (size_t i = 0; i < names_.size(); ++i) {
      if (Survives(loss, Loss::kNames, i < kept, random)) {
        Apply(names_[i], tree);
      }
    }
    std::map<const FileState*, std::string> first_name;
    for (const auto& [name, file] : tree) {
      const std::string path = directory + "/" + name;
      if (file == nullptr) {
        fs::create_directories(path);
        continue;
      }
      const auto [at, is_first] = first_name.try_emplace(file.get(), path);
      if (!is_first) {
        fs::create_hard_link(at->second, path);
        continue;
      }
      std::ofstream(path, std::ios::binary) << Content(*file, loss, random);
    }
  }

 private:
  FileState& File(uint64_t inode) {
    auto& file = files_[inode];
    if (file == nullptr) file = std::make_shared<FileState>();
    return *file;
  }

  void Rename(NameChange change) {
    Apply(change, now_);
    names_.push_back(std::move(change));
  }

  void SyncDirectory(const std::string& path) {
    std::vector<NameChange> rest;
    for (NameChange& change : names_) {
      const std::string& target =
          change.op == IoOp::kRename ? change.to : change.path;
      if (ParentOf(target) == path) {
        Apply(change, durable_);
      } else {
        rest.push_back(std::move(change));
      }
    }
    names_ = std::move(rest);
  }

  // Whether something not synced is there all the same; `lost` is the loss
  // that spares the other kind.
  static bool Survives(Loss loss, Loss lost, bool is_head,
                       std::mt19937_64& random) {
    switch (loss) {
      case Loss::kAll:
        return false;
      case Loss::kNothing:
        return true;
      case Loss::kData:
      case Loss::kNames:
        return loss != lost;
      case Loss::kRandom:
        return random() % 2 == 0;
      case Loss::kTail:
        return is_head;
    }
    return false;
  }

  static std::string Content(const FileState& file, Loss loss,
                             std::mt19937_64& random) {
    std::string bytes = file.durable;
    const size_t kept = random() % (file.pending.size() + 1);
    for (size_t i = 0; i < file.pending.size(); ++i) {
      Change change = file.pending[i];
      if (!Survives(loss, Loss::kData, i < kept, random)) {
        // The last write may be torn between two sectors.
        if (loss != Loss::kTail || i != kept || change.truncates) continue;
        change.data.resize(change.data.size() / 2 / 512 * 512);
      }
      Apply(change, bytes);
    }
    return bytes;
  }

  const bool lies_;
  std::map<uint64_t, std::shared_ptr<FileState>> files_;
  Tree durable_;
  Tree now_;
  std::vector<NameChange> names_;  // Not synced yet, in order.
};

class Check {
 public:
  Check(std::string input, std::string final_directory)
      : input_(std::move(input)), final_(std::move(final_directory)) {
    output_ = ReadAll(final_ + "/output.csv");
    for (const auto& entry : fs::directory_iterator(final_ + "/images")) {
      const std::string name = entry.path().filename().string();
      if (name != ".imgbatch") images_[name] = ReadAll(entry.path().string());
    }
  }

  // What is wrong with the state in the directory; empty: nothing.
  std::string Judge(const std::string& directory) {
    std::string wrong = JudgeStore(directory);
    const std::string output = directory + "/output.csv";
    if (wrong.empty() && fs::exists(output)) {
      if (ReadAll(output) != output_) return "output.csv is not whole";
      for (const auto& [name, bytes] : images_) {
        if (ReadAll(directory + "/images/" + name) != bytes) {
          return "output.csv is there, images/" + name + " is not";
        }
      }
      ++outputs;
    }
    return wrong;
  }

  int64_t batches = 0, done = 0, outputs = 0;  // Seen in all states.

 private:
  std::string JudgeStore(const std::string& directory) {
    const StorePaths paths(directory + "/store.db");
    if (!fs::exists(paths.database)) return "";
    const auto store = SqliteJobStore::Open(paths, 1);
    if (!store) return "does not open: " + store.error().message;
    const auto reader = SqliteJobReader::Open(paths);
    if (!reader) return "cannot be read: " + reader.error().message;
    const auto batches_or = (*reader)->ListBatches(100, std::nullopt);
    if (!batches_or) return "no list: " + batches_or.error().message;
    for (const BatchView& batch : *batches_or) {
      ++batches;
      if (ReadAll(paths.files + "/" + batch.kept_input) != input_) {
        return "the kept input of a batch is not whole";
      }
      const auto cells = (*reader)->ReadCells(batch.key, {}, 1000, false);
      if (!cells) return "no cells: " + cells.error().message;
      for (const CellView& cell : *cells) {
        if (cell.state != ImageState::kDone) continue;
        ++done;
        const std::string& key = cell.content->key;
        const std::string bytes =
            ReadAll(paths.Pool() + "/" + key.substr(0, 2) + "/" + key);
        if (!key.starts_with(ToHex(HashOf(bytes)))) {
          return "row " + std::to_string(cell.row) + " is done, its file " +
                 key + " is not there";
        }
      }
    }
    return "";
  }

  std::string input_;
  std::string final_;
  std::string output_;
  std::map<std::string, std::string> images_;
};

int Run(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: power_states LOG INPUT FINAL SCRATCH [STATES [SEED]]\n",
               stderr);
    return 2;
  }
  const std::vector<Record> log = ReadLog(argv[1]);
  Check check(ReadAll(argv[2]), argv[3]);
  const std::string scratch = argv[4];
  const long wanted = argc > 5 ? std::atol(argv[5]) : 2000;
  const uint64_t seed = argc > 6 ? std::strtoull(argv[6], nullptr, 10) : 1;
  const long kinds = std::size(kLosses);
  long states = 0, violations = 0;
  // Every cut with every kind of loss; the random ones again until there are
  // as many states as were asked for.
  for (long round = 0; states < wanted; ++round) {
    Disk disk(getenv("POWER_IGNORE_SYNC") != nullptr);
    for (size_t cut = 0; cut < log.size(); ++cut) {
      disk.Take(log[cut]);
      for (long kind = round == 0 ? 0 : kinds - 2; kind < kinds; ++kind) {
        std::mt19937_64 random(seed + static_cast<uint64_t>(states));
        const std::string directory = scratch + "/state";
        fs::remove_all(directory);
        fs::create_directories(directory);
        disk.Build(directory, kLosses[kind], random);
        const std::string wrong = check.Judge(directory);
        ++states;
        if (wrong.empty()) continue;
        if (++violations > 20) continue;
        std::printf("VIOLATION after record %zu, loss %ld, state %ld: %s\n",
                    cut + 1, kind, states, wrong.c_str());
        const std::string kept = scratch + "/bad." + std::to_string(states);
        fs::remove_all(kept);
        disk.Build(kept, kLosses[kind], random);
      }
    }
    if (log.empty()) break;
  }
  std::printf(
      "%ld states of %zu records, %ld violations; seen %lld batches, "
      "%lld done images, %lld outputs\n",
      states, log.size(), violations, static_cast<long long>(check.batches),
      static_cast<long long>(check.done),
      static_cast<long long>(check.outputs));
  return violations == 0 && check.outputs > 0 ? 0 : 1;
}

}  // namespace
}  // namespace imgbatch::testing

int main(int argc, char** argv) { return imgbatch::testing::Run(argc, argv); }
