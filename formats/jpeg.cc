#include "formats/jpeg.h"

#include <string>
#include <utility>

#include "formats/jpeg_decode.h"
#include "formats/jpeg_encode.h"
#include "formats/jpeg_lib.h"
#include "formats/jpeg_markers.h"
#include "formats/jpeg_quant.h"
#include "formats/jpeg_requantize.h"
#include "formats/jpeg_write.h"

namespace imgbatch {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr int kMaxBlocksPerUnit = 10;  // T.81, B.2.3.

// Memory that a conversion needs and the next one can use again. Per thread:
// without it a fifth of the time goes to page faults on fresh megabytes
// (measured 2026-11), and handing it through the codec port would show
// an implementation detail to everybody.
struct Scratch {
  JpegScanDecoder decoder;
  JpegTokens tokens;
  std::vector<uint8_t> bytes;

  // Big pictures are rare; their memory is given back.
  void Trim() {
    constexpr size_t kKeep = size_t{4} << 20;
    if (tokens.capacity() * sizeof(JpegToken) > kKeep) tokens.Release();
    if (bytes.capacity() > kKeep) std::vector<uint8_t>().swap(bytes);
    decoder.Trim(kKeep);
  }
};

Failure OutOfRange() {
  return {FailureCode::kCorruptImage, 0, "JPEG: coefficients out of range"};
}

// Requantised coefficients and the steps that they are in.
Result<JpegStepPlan, Failure> Decode(Bytes source, const JpegHeader& header,
                                     const JpegExtent& extent,
                                     const Recipe& recipe,
                                     const CodecLimits& limits,
                                     Scratch& scratch) {
  std::array<JpegSteps, 4> steps{};
  if (IsPlainSequential(header, extent)) {
    for (int i = 0; i < header.components; ++i) {
      steps[i] = header.quant[header.component[i].quant].steps;
    }
    const JpegStepPlan plan = PlanSteps(header, steps, recipe);
    if (scratch.decoder.Decode(source, header, extent, RequantizersOf(plan),
                               scratch.tokens)) {
      return plan;
    }
  }
  const auto coefficients =
      JpegCoefficients::Read(source.first(extent.end), limits);
  if (!coefficients) return coefficients.error();
  for (int i = 0; i < header.components; ++i) {
    steps[i] = coefficients->Steps(i);
  }
  const JpegStepPlan plan = PlanSteps(header, steps, recipe);
  if (!TokensFromCoefficients(header, *coefficients, RequantizersOf(plan),
                              scratch.tokens)) {
    return OutOfRange();
  }
  return plan;
}

std::vector<uint8_t> Encode(const JpegHeader& header, const JpegStepPlan& plan,
                            JpegMetadata metadata, Scratch& scratch,
                            const JpegScanTables& tables) {
  std::vector<uint8_t> out = StartOfFile(header, metadata);
  out.reserve(out.size() + 1024 + tables.bits / 8 + tables.bits / 512);
  AppendFrame(header, plan.target, /*progressive=*/false, out);
  AppendHuffmanTables(tables, out);
  AppendScanHeader(header, out);
  EncodeScan(scratch.tokens, tables, scratch.bytes, out);
  out.push_back(0xFF);
  out.push_back(kEoi);
  return out;
}

ConvertedImage Kept(Bytes source, const JpegHeader& header,
                    const JpegExtent& extent, const Recipe& recipe,
                    std::string reason) {
  ConvertedImage image;
  image.width = header.width;
  image.height = header.height;
  image.how = DoneHow::kKeptOriginal;
  image.reason = std::move(reason);
  if (recipe.keep_metadata) {
    image.bytes.assign(source.begin(), source.end());
  } else {
    image.bytes = StripJpeg(source, header, extent, JpegMetadata::kStrip);
    if (header.mpf) image.reason += "; further images in the file dropped";
  }
  return image;
}

bool Pays(size_t size, size_t kept_size, const Recipe& recipe) {
  const auto share = static_cast<uint64_t>(100 - recipe.min_savings_percent);
  return size < kept_size && uint64_t{size} * 100 <= kept_size * share;
}

}  // namespace

Result<CodecCost, Failure> JpegCost(Bytes source, const CodecLimits& limits) {
  const auto header = ReadJpegHeader(source, limits);
  if (!header) return header.error();
  return CodecCost{.format = ImageFormat::kJpeg,
                   .width = header->width,
                   .height = header->height,
                   .memory = CoefficientMemory(*header) + 4 * source.size()};
}

Result<ConvertedImage, Failure> ConvertJpeg(Bytes source, const Recipe& recipe,
                                            const CodecLimits& limits) {
  const auto header = ReadJpegHeader(source, limits);
  if (!header) return header.error();
  const auto extent = MeasureJpeg(source, *header, limits);
  if (!extent) return extent.error();
  thread_local Scratch scratch;
  scratch.tokens.Clear();
  const auto plan = Decode(source, *header, *extent, recipe, limits, scratch);
  if (!plan) return plan.error();
  const JpegMetadata metadata =
      recipe.keep_metadata ? JpegMetadata::kKeep : JpegMetadata::kStrip;
  ConvertedImage kept =
      Kept(source, *header, *extent, recipe,
           plan->coarser ? "saves less than " +
                               std::to_string(recipe.min_savings_percent) + " %"
                         : "already at this quality or below");
  if (header->components > 1 &&
      UnitsOf(*header).blocks_per_unit > kMaxBlocksPerUnit) {
    kept.reason = "its sampling cannot be written in one scan";
    return kept;
  }
  JpegScanTables tables;
  if (!PrepareScan(scratch.tokens, tables)) return OutOfRange();
  if (!Pays(tables.bits / 8, kept.bytes.size(), recipe)) return kept;
  ConvertedImage image;
  image.width = header->width;
  image.height = header->height;
  image.bytes = Encode(*header, *plan, metadata, scratch, tables);
  scratch.Trim();
  if (!Pays(image.bytes.size(), kept.bytes.size(), recipe)) return kept;
  if (header->mpf) image.reason = "further images in the file dropped";
  return image;
}

Result<std::vector<uint8_t>, Failure> EncodeJpeg(const Pixels& pixels,
                                                 int quality) {
  constexpr uint32_t kMaxSide = 65'500;  // libjpeg's JPEG_MAX_DIMENSION.
  if (pixels.width == 0 || pixels.height == 0 || pixels.width > kMaxSide ||
      pixels.height > kMaxSide) {
    return Failure{FailureCode::kTooManyPixels, 0,
                   "a JPEG can have at most 65500 pixels on a side"};
  }
  IMGBATCH_ASSERT(pixels.channels == 1 || pixels.channels == 3);
  IMGBATCH_ASSERT(pixels.data.size() >=
                  uint64_t{pixels.width} * pixels.height * pixels.channels);
  return CompressPixels(pixels, quality);
}

}  // namespace imgbatch
