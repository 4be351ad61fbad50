#include "formats/jpeg_decode.h"

#include <algorithm>
#include <cstring>

#include "formats/big_endian.h"
#include "formats/jpeg_decode_tables.h"

namespace imgbatch {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr int kMaxBlocksPerUnit = 10;  // T.81, B.2.3.
constexpr int kMaxAcSize = 10;
constexpr int kMaxDcSize = 11;

// A unit ends at most this far behind where it was seen to begin inside the
// scan: 10 blocks of 64 codes of at most 27 bits.
constexpr size_t kPadding = 4096;

// Removes stuffing and restart markers. False when there is anything else
// than the restart markers that belong there.
bool Unstuff(Bytes coded, size_t restarts, std::vector<uint8_t>& out,
             std::vector<size_t>& parts) {
  parts.clear();
  if (out.size() < coded.size() + kPadding) {
    out.resize(coded.size() + kPadding);
  }
  const uint8_t* from = coded.data();
  const uint8_t* const end = from + coded.size();
  uint8_t* to = out.data();
  while (from != end) {
    const void* found =
        std::memchr(from, 0xFF, static_cast<size_t>(end - from));
    const uint8_t* stop = found ? static_cast<const uint8_t*>(found) : end;
    std::memcpy(to, from, static_cast<size_t>(stop - from));
    to += stop - from;
    if (!found) break;
    if (stop + 1 == end) return false;
    if (stop[1] == 0) {
      *to++ = 0xFF;
    } else if (stop[1] == (0xD0 | (parts.size() & 7)) &&
               parts.size() < restarts) {
      parts.push_back(static_cast<size_t>(to - out.data()));
    } else {
      return false;
    }
    from = stop + 2;
  }
  std::memset(to, 0, kPadding);
  parts.push_back(static_cast<size_t>(to - out.data()));
  return parts.size() == restarts + 1;
}

// The next bits from the top of `bits`; at least 56 after Refill.
struct BitReader {
  const uint8_t* at;
  uint64_t bits = 0;
  uint32_t count = 0;

  explicit BitReader(const uint8_t* from) : at(from) {}
  void Refill() {
    bits |= LoadBigEndian64(at) >> count;
    at += (63 - count) >> 3;
    count |= 56;
  }
  void Skip(uint32_t length) {
    bits <<= length;
    count -= length;
  }
  // Bits used since `from`, in bits.
  ptrdiff_t Used(const uint8_t* from) const {
    return 8 * (at - from) - static_cast<ptrdiff_t>(count);
  }
};

// What a block of one component needs.
struct Plane {
  const JpegDcTable* dc = nullptr;
  const JpegAcTable* ac = nullptr;
  const JpegTokenTable* small = nullptr;
  const JpegRequantizer* requantize = nullptr;
  JpegToken tables = 0;
  uint32_t source_dc = 0;  // Prediction; wraps around on damaged data.
  int32_t target_dc = 0;
};

// Goes on after the code of one symbol: big values, long codes, and the last
// coefficient of a full block. Returns the next position, kEnd after an end of
// block, 0 when damaged.
[[gnu::always_inline]] inline uint32_t DecodeOne(BitReader& reader,
                                                 const Plane& plane,
                                                 JpegCodeReader::Code code,
                                                 uint32_t position,
                                                 JpegToken*& out) {
  reader.Skip(code.length);
  const int size = code.symbol & 15;
  position += code.symbol >> 4;
  if (size == 0 || size > kMaxAcSize || position > 63) [[unlikely]] {
    if (code.length == 0) return 0;
    if (code.symbol == 0) return JpegAcTable::kEnd;
    return code.symbol == 0xF0 ? position + 1 : 0;
  }
  const int32_t value = SignedValue(reader.bits, size);
  reader.Skip(static_cast<uint32_t>(size));
  const int32_t moved = (*plane.requantize)(static_cast<int>(position), value);
  *out = AcToken(plane.tables, static_cast<int>(position), moved);
  out += moved != 0;
  return position + 1;
}

// Decodes the AC coefficients of a block; false when they are damaged.
[[gnu::always_inline]] inline bool DecodeAc(BitReader& reader,
                                            const Plane& plane,
                                            JpegToken*& out) {
  const uint64_t* const entries = plane.ac->entries.data();
  const JpegToken* const small = plane.small->tokens.data();
  uint32_t position = 1;
  while (true) {
    reader.Refill();
    const uint64_t entry = entries[reader.bits >> (64 - JpegAcTable::kBits)];
    const uint32_t advance = entry >> 40 & 0xFF;
    const uint32_t next = position + advance;
    JpegCodeReader::Code code;
    if (advance != 0) [[likely]] {
      const JpegToken* const row =
          small + (position << JpegTokenTable::kLogColumns);
      JpegToken* const out_before = out;
      const JpegToken first = row[entry & 0xFFFF];
      *out = first;
      out += first != 0;
      const JpegToken second = row[entry >> 16 & 0xFFFF];
      *out = second;
      out += second != 0;
      if (next < 64) [[likely]] {
        reader.Skip(entry >> 32 & 0xFF);
        position = next;
        continue;
      }
      if (next == 64 || (next > JpegAcTable::kEnd &&
                         next < JpegAcTable::kEnd + 64)) [[likely]] {
        reader.Skip(entry >> 32 & 0xFF);
        return true;
      }
      // The second one lies behind the block's end: take the first alone.
      out = out_before;
      code = plane.ac->reader.Read(reader.bits, 1);
    } else if (entry != 0) {
      code = {static_cast<uint8_t>(entry >> 48),
              static_cast<uint8_t>(entry >> 32)};
    } else {
      code = plane.ac->reader.Read(reader.bits, JpegAcTable::kBits + 1);
    }
    position = DecodeOne(reader, plane, code, position, out);
    if (position == 0) return false;
    if (position >= 64) return position == 64 || position == JpegAcTable::kEnd;
  }
}

[[gnu::always_inline]] inline bool DecodeDc(BitReader& reader, Plane& plane) {
  reader.Refill();
  const uint32_t entry =
      plane.dc->entries[reader.bits >> (64 - JpegDcTable::kBits)];
  if (const uint32_t length = entry & 0xFF; length != 0) [[likely]] {
    reader.Skip(length);
    plane.source_dc += static_cast<uint32_t>(static_cast<int32_t>(entry) >> 16);
    return true;
  }
  const JpegCodeReader::Code code = plane.dc->reader.Read(reader.bits, 1);
  if (code.length == 0 || code.symbol > kMaxDcSize) return false;
  reader.Skip(code.length);
  if (code.symbol != 0) {
    plane.source_dc +=
        static_cast<uint32_t>(SignedValue(reader.bits, code.symbol));
    reader.Skip(code.symbol);
  }
  return true;
}

}  // namespace

struct JpegScanDecoder::Tables {
  std::array<JpegDcTable, 4> dc;
  std::array<JpegAcTable, 4> ac;
  std::array<JpegTokenTable, 4> small;
};

JpegScanDecoder::JpegScanDecoder() : tables_(std::make_unique<Tables>()) {}
JpegScanDecoder::~JpegScanDecoder() = default;

void JpegScanDecoder::Trim(size_t keep) {
  if (scan_.capacity() > keep) std::vector<uint8_t>().swap(scan_);
  if (parts_.capacity() > keep) std::vector<size_t>().swap(parts_);
}

bool IsPlainSequential(const JpegHeader& header, const JpegExtent& extent) {
  if (header.process != kSof0 && header.process != kSof1) return false;
  if (extent.scans != 1 || !header.full_spectrum ||
      header.scan_components != header.components ||
      extent.first_scan_end + 2 != extent.end) {
    return false;
  }
  for (int i = 0; i < header.components; ++i) {
    const JpegHuffmanTable* ac =
        header.scan_ac[i] < 4 ? &header.ac[header.scan_ac[i]] : nullptr;
    const JpegHuffmanTable* dc =
        header.scan_dc[i] < 4 ? &header.dc[header.scan_dc[i]] : nullptr;
    if (header.scan_component[i] != i || !ac || !ac->defined || !dc ||
        !dc->defined || !header.quant[header.component[i].quant].defined) {
      return false;
    }
  }
  return header.components == 1 ||
         UnitsOf(header).blocks_per_unit <= kMaxBlocksPerUnit;
}

bool JpegScanDecoder::Decode(Bytes source, const JpegHeader& header,
                             const JpegExtent& extent,
                             const JpegRequantizers& requantizers,
                             JpegTokens& tokens) {
  const JpegUnits units = UnitsOf(header);
  const uint64_t unit_count = uint64_t{units.across} * units.down;
  const uint64_t interval =
      header.restart_interval ? header.restart_interval : unit_count;
  const uint64_t restarts = (unit_count - 1) / interval;
  const Bytes coded = source.subspan(header.scan_begin,
                                     extent.first_scan_end - header.scan_begin);
  // Each block takes two bits at least, each interval a marker.
  if (coded.size() < unit_count * units.blocks_per_unit / 4) return false;
  if (restarts > coded.size() / 2) return false;
  if (!Unstuff(coded, restarts, scan_, parts_)) return false;

  std::array<Plane, 4> planes;
  std::array<bool, 4> dc_built{}, ac_built{};
  for (int i = 0; i < header.components; ++i) {
    Plane& plane = planes[i];
    const uint8_t dc = header.scan_dc[i], ac = header.scan_ac[i];
    if (!dc_built[dc] && !tables_->dc[dc].Build(header.dc[dc])) return false;
    if (!ac_built[ac] && !tables_->ac[ac].Build(header.ac[ac])) return false;
    dc_built[dc] = ac_built[ac] = true;
    plane.dc = &tables_->dc[dc];
    plane.ac = &tables_->ac[ac];
    plane.requantize = &requantizers[i];
    plane.tables = TablesOf(header, i);
    for (int j = 0; j < i && !plane.small; ++j) {
      if (planes[j].tables == plane.tables &&
          *planes[j].requantize == *plane.requantize) {
        plane.small = planes[j].small;
      }
    }
    if (!plane.small) {
      tables_->small[i].Build(*plane.requantize, plane.tables);
      plane.small = &tables_->small[i];
    }
  }

  const size_t unit_tokens =
      kMaxTokensPerBlock * static_cast<size_t>(units.blocks_per_unit) + 2;
  const uint8_t* const scan_end = scan_.data() + parts_.back();
  BitReader reader(scan_.data());
  const uint8_t* part_begin = scan_.data();
  size_t part = 0;
  uint64_t left_in_part = interval;
  uint32_t dc_bits = 0;  // Of all DC values, moved to 0..4095.
  size_t used = 0;
  for (uint32_t row = 0; row < units.down; ++row) {
    const uint64_t bottom = row + 1 == units.down ? units.padding_bottom : 0;
    for (uint32_t column = 0; column < units.across; ++column) {
      if (left_in_part == 0) {
        const ptrdiff_t spare = 8 * (scan_.data() + parts_[part] - part_begin) -
                                reader.Used(part_begin);
        if (spare < 0 || spare > 7) return false;
        part_begin = scan_.data() + parts_[part++];
        reader = BitReader(part_begin);
        for (Plane& plane : planes) plane.source_dc = 0;
        left_in_part = interval;
      }
      --left_in_part;
      if (reader.at > scan_end + 8) return false;
      if (tokens.capacity() < used + unit_tokens) {
        tokens.Grow(used, std::max(2 * tokens.capacity(), used + unit_tokens));
      }
      const uint64_t padding =
          bottom | (column + 1 == units.across ? units.padding_right : 0);
      JpegToken* out = tokens.data() + used;
      for (int n = 0; n < units.blocks_per_unit; ++n) {
        Plane& plane = planes[units.blocks[n].component];
        if (!DecodeDc(reader, plane)) return false;
        dc_bits |= plane.source_dc + 2048;
        JpegToken* const block = out++;
        if (!DecodeAc(reader, plane, out)) return false;
        if (padding >> n & 1) [[unlikely]] {
          *block = DcToken(plane.tables, 0);
          out = block + 1;
        } else {
          const int32_t dc =
              (*plane.requantize)(0, static_cast<int32_t>(plane.source_dc));
          *block = DcToken(plane.tables, dc - plane.target_dc);
          plane.target_dc = dc;
        }
        const bool full = PositionOf(out[-1]) == 63;
        *out = EndToken(plane.tables);
        out += !full;
      }
      used = static_cast<size_t>(out - tokens.data());
    }
  }
  const ptrdiff_t spare = 8 * (scan_end - part_begin) - reader.Used(part_begin);
  if (spare < 0 || spare > 7 || part + 1 != parts_.size()) return false;
  tokens.Resize(used);
  return dc_bits < 4096;
}

}  // namespace imgbatch
