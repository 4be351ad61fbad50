// The decode journal as a mapped file: what is written into it outlives the
// process (not the power: after a restart of the machine it is not believed).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/decode_journal.h"
#include "core/result.h"

namespace imgbatch {

class MappedDecodeJournal final : public DecodeJournal {
 public:
  static constexpr int kSlots = 256;

  // Makes an empty journal, replacing what was there.
  static Result<std::unique_ptr<MappedDecodeJournal>> Create(
      const std::string& path);
  ~MappedDecodeJournal() override;
  MappedDecodeJournal(const MappedDecodeJournal&) = delete;
  MappedDecodeJournal& operator=(const MappedDecodeJournal&) = delete;

  void Enter(int slot, ImageKey image) override;
  void Leave(int slot) override;

  // The images that the journal names; none when it cannot be read.
  static std::vector<ImageKey> Read(const std::string& path);

 private:
  explicit MappedDecodeJournal(int64_t* slots) : slots_(slots) {}
  int64_t* slots_;  // kSlots image keys, 0: none; mapped.
};

}  // namespace imgbatch
