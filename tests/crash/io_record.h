// The log that record_io.cc writes and power_states.cc reads: this struct, the
// path, the data, one record after the other. One machine, one build.
#pragma once

#include <cstdint>

namespace imgbatch::testing {

// Files are known by inode; a name may go and come back as another file.
enum class IoOp : uint32_t {
  kCreate,         // inode, path: a new, empty file under that name
  kUnnamed,        // inode: a new, empty file without a name
  kWrite,          // inode, number: offset, data
  kTruncate,       // inode, number: size
  kSync,           // inode
  kSyncDirectory,  // path
  kLink,           // inode, path: another name
  kRename,         // path: old name; data: new name
  kUnlink,         // path
  kMakeDirectory,  // path
};

struct IoRecord {
  IoOp op;
  uint32_t path_bytes;
  uint32_t data_bytes;
  uint32_t unused;
  uint64_t inode;
  uint64_t number;
};

}  // namespace imgbatch::testing
