#include "formats/gif.h"

#include <fmt/format.h>

#include "formats/bytes.h"
#include "formats/checks.h"

namespace imgbatch {
namespace {

// GIF89a specification, sections 18 to 27.
constexpr size_t kHeader = 13;  // Signature and logical screen descriptor.
constexpr uint8_t kExtension = 0x21;
constexpr uint8_t kImage = 0x2C;
constexpr uint8_t kTrailer = 0x3B;
constexpr uint8_t kComment = 0xFE;
constexpr uint8_t kApplication = 0xFF;

size_t ColourTable(uint8_t flags) {
  return (flags & 0x80) != 0 ? size_t{3} << ((flags & 7) + 1) : 0;
}

// Steps over what is there, or remembers that it is not.
class Cursor {
 public:
  explicit Cursor(Bytes source) : source_(source) {}

  bool ok() const { return ok_; }
  size_t at() const { return at_; }
  const uint8_t* Take(size_t count) {
    if (!ok_ || count > source_.size() - at_) {
      ok_ = false;
      return nullptr;
    }
    at_ += count;
    return source_.data() + at_ - count;
  }
  uint8_t Byte() {
    const uint8_t* p = Take(1);
    return p == nullptr ? 0 : *p;
  }
  void SkipSubBlocks() {
    while (const uint8_t size = Byte()) Take(size);
  }

 private:
  Bytes source_;
  size_t at_ = 0;
  bool ok_ = true;
};

// How often to repeat is picture; XMP, comments and the like are not.
bool IsMetadata(uint8_t label, Bytes extension) {
  if (label == kComment) return true;
  if (label != kApplication) return false;
  return !HasAt(extension, 3, "NETSCAPE2.0") &&
         !HasAt(extension, 3, "ANIMEXTS1.0") &&
         !HasAt(extension, 3, "ICCRGBG1012");
}

struct Walk {
  std::vector<uint8_t> kept;  // Without metadata.
  uint64_t frames = 0;
};

// One picture block after its introducer; its size is checked like the
// canvas's.
Result<void, Failure> SkipImage(Cursor& cursor, const CodecLimits& limits) {
  const uint8_t* head = cursor.Take(9);
  if (head == nullptr) return {};
  const auto size = CheckSize(Le16(head + 4), Le16(head + 6), limits);
  if (!size) return size.error();
  cursor.Take(ColourTable(head[8]));
  const uint8_t code_size = cursor.Byte();
  if (cursor.ok() && (code_size < 1 || code_size > 11)) {
    return Corrupt("a frame of the GIF is damaged");
  }
  cursor.SkipSubBlocks();
  return {};
}

Result<Walk, Failure> WalkBlocks(Bytes source, const CodecLimits& limits,
                                 bool keep_metadata) {
  Walk walk;
  Cursor cursor(source);
  cursor.Take(kHeader + ColourTable(source[10]));
  size_t begin = 0;  // Of what was not yet copied.
  for (bool ended = false; !ended && cursor.ok();) {
    const size_t block = cursor.at();
    switch (cursor.Byte()) {
      case kExtension: {
        const uint8_t label = cursor.Byte();
        cursor.SkipSubBlocks();
        if (!cursor.ok() || keep_metadata ||
            !IsMetadata(label, source.subspan(block))) {
          break;
        }
        Append(walk.kept, source.subspan(begin, block - begin));
        begin = cursor.at();
        break;
      }
      case kImage: {
        ++walk.frames;
        const auto image = SkipImage(cursor, limits);
        if (!image) return image.error();
        break;
      }
      case kTrailer:
        ended = true;
        break;
      default:
        if (cursor.ok()) return Corrupt("a block of the GIF is damaged");
    }
  }
  if (!cursor.ok()) return Corrupt("the GIF is cut off");
  if (walk.frames == 0) return Corrupt("the GIF has no picture");
  Append(walk.kept, source.subspan(begin, cursor.at() - begin));
  return walk;
}

}  // namespace

Result<CodecCost, Failure> GifCost(std::span<const uint8_t> source,
                                   const CodecLimits& limits) {
  if (source.size() < kHeader) return Corrupt("the GIF is cut off");
  const uint32_t width = Le16(&source[6]);
  const uint32_t height = Le16(&source[8]);
  const auto size = CheckSize(width, height, limits);
  if (!size) return size.error();
  // A growing copy, at worst.
  return CodecCost{ImageFormat::kGif, width, height,
                   3 * source.size() + (64 << 10)};
}

Result<ConvertedImage, Failure> ConvertGif(std::span<const uint8_t> source,
                                           const Recipe& recipe,
                                           const CodecLimits& limits) {
  const auto cost = GifCost(source, limits);
  if (!cost) return cost.error();
  auto walk = WalkBlocks(source, limits, recipe.keep_metadata);
  if (!walk) return walk.error();
  ConvertedImage result;
  result.bytes = std::move(walk->kept);
  result.format = ImageFormat::kGif;
  result.width = cost->width;
  result.height = cost->height;
  result.how = DoneHow::kKeptOriginal;
  result.reason = "a GIF is kept as it is";
  if (walk->frames > 1) {
    result.reason = fmt::format(
        "an animated GIF is kept as it is, with its {} frames", walk->frames);
  }
  return result;
}

}  // namespace imgbatch
