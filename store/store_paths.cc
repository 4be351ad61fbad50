#include "store/store_paths.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "core/hash.h"
#include "store/posix.h"

namespace imgbatch {
namespace {

// Magic numbers of statfs(2) and of the kernel's linux/magic.h.
struct NetworkMagic {
  uint32_t magic;
  std::string_view name;
};
constexpr std::array kNetworkMagics = {
    NetworkMagic{0x6969, "NFS"},        NetworkMagic{0x517B, "SMB"},
    NetworkMagic{0xFF534D42, "CIFS"},   NetworkMagic{0xFE534D42, "SMB2"},
    NetworkMagic{0x01021997, "9p"},     NetworkMagic{0x5346414F, "AFS"},
    NetworkMagic{0x73757245, "Coda"},   NetworkMagic{0x564C, "NCP"},
    NetworkMagic{0x00C36400, "Ceph"},   NetworkMagic{0x0BD00BD0, "Lustre"},
    NetworkMagic{0x19830326, "BeeGFS"},
};
constexpr uint32_t kFuseMagic = 0x65735546;
// FUSE also carries local filesystems; those that are not are known by type.
constexpr std::array<std::string_view, 8> kNetworkFuseTypes = {
    "fuse.sshfs",  "fuse.rclone", "fuse.s3fs",      "fuse.gcsfuse",
    "fuse.goofys", "fuse.davfs",  "fuse.glusterfs", "fuse.juicefs"};

// The filesystem type of a device as mountinfo(5) shows it; empty: unknown.
std::string MountType(dev_t device) {
  const std::string wanted =
      std::to_string(major(device)) + ":" + std::to_string(minor(device));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped, number;
    fields >> skipped >> skipped >> number;
    const size_t dash = line.find(" - ");
    if (number != wanted || dash == std::string::npos) continue;
    return line.substr(dash + 3, line.find(' ', dash + 3) - dash - 3);
  }
  return "";
}

// The name of the network filesystem that holds the path; empty: a local one.
std::string NetworkFilesystemOf(const std::string& path) {
  struct statfs filesystem;
  if (statfs(path.c_str(), &filesystem) != 0) return "";
  const auto magic = static_cast<uint32_t>(filesystem.f_type);
  for (const NetworkMagic& known : kNetworkMagics) {
    if (known.magic == magic) return std::string(known.name);
  }
  struct stat status;
  if (magic == kFuseMagic && stat(path.c_str(), &status) == 0) {
    const std::string type = MountType(status.st_dev);
    for (const std::string_view known : kNetworkFuseTypes) {
      if (known == type) return type;
    }
  }
  return "";
}

}  // namespace

std::string StorePaths::NamedLock(std::string_view name) const {
  return files + "/locks/" + ToHex(HashOf(name)).substr(0, 32) + ".lock";
}

std::string StorePaths::OwnerLock(int64_t owner) const {
  return files + "/owners/" + std::to_string(owner) + ".lock";
}

std::string StorePaths::OwnerJournal(int64_t owner) const {
  return files + "/owners/" + std::to_string(owner) + ".decoding";
}

Result<void> PrepareFolders(const StorePaths& paths,
                            NetworkFilesystem network) {
  const std::string directory = ParentOf(paths.database);
  Result<void> made = MakeDirectories(directory, 0700);
  if (!made) return made;
  if (network == NetworkFilesystem::kRefuse) {
    const std::string name = NetworkFilesystemOf(directory);
    if (!name.empty()) {
      return Error{ErrorCode::kStore,
                   paths.database + " is on a network filesystem (" + name +
                       "), where a store can be damaged: name a local file "
                       "with --store"};
    }
  }
  for (const std::string& folder :
       {paths.Pool(), paths.Inputs(), paths.Temporary(), paths.files + "/locks",
        paths.files + "/owners"}) {
    made = MakeDirectories(folder, 0700);
    if (!made) return made;
  }
  // Also what was there: whoever made it may have been killed before this.
  made = SyncDirectory(paths.files);
  return made ? SyncDirectory(directory) : made;
}

}  // namespace imgbatch
