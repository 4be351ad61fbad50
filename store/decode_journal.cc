#include "store/decode_journal.h"

#include <array>
#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/posix.h"

namespace imgbatch {
namespace {

constexpr size_t kBytes = MappedDecodeJournal::kSlots * sizeof(int64_t);

}  // namespace

Result<std::unique_ptr<MappedDecodeJournal>> MappedDecodeJournal::Create(
    const std::string& path) {
  Result<File> file =
      OpenFile(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!file) return file.error();
  // Written, not only extended: a full disk must show now, not as a SIGBUS.
  const std::array<uint8_t, kBytes> zeros{};
  const Result<void> written = WriteAll(*file, zeros, path);
  if (!written) return written.error();
  void* map = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                   file->descriptor(), 0);
  if (map == MAP_FAILED) return FileError("cannot map", path, errno);
  return std::unique_ptr<MappedDecodeJournal>(
      new MappedDecodeJournal(static_cast<int64_t*>(map)));
}

MappedDecodeJournal::~MappedDecodeJournal() { munmap(slots_, kBytes); }

void MappedDecodeJournal::Enter(int slot, ImageKey image) {
  IMGBATCH_ASSERT(slot >= 0 && slot < kSlots);
  // Release: the note is there before the decoder reads its first byte.
  std::atomic_ref(slots_[slot])
      .store(static_cast<int64_t>(image), std::memory_order_release);
}

void MappedDecodeJournal::Leave(int slot) {
  IMGBATCH_ASSERT(slot >= 0 && slot < kSlots);
  std::atomic_ref(slots_[slot]).store(0, std::memory_order_release);
}

std::vector<ImageKey> MappedDecodeJournal::Read(const std::string& path) {
  std::vector<ImageKey> images;
  const Result<File> file = OpenFile(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return images;
  std::array<int64_t, kSlots> slots{};
  if (pread(file->descriptor(), slots.data(), kBytes, 0) < 0) return images;
  for (const int64_t slot : slots) {
    if (slot != 0) images.push_back(static_cast<ImageKey>(slot));
  }
  return images;
}

}  // namespace imgbatch
