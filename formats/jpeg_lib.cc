#include "formats/jpeg_lib.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include <jerror.h>
#include <jpeglib.h>

// Rules of the fence: libjpeg is called only between a setjmp and the end of
// the same function; objects with destructors are declared before the setjmp;
// locals that change after it are not read when it returns again.

namespace imgbatch {
namespace {

constexpr JOCTET kNoMoreInput[] = {0xFF, JPEG_EOI};

struct ErrorTrap {
  jpeg_error_mgr manager;  // First: libjpeg hands a pointer to it back.
  jmp_buf jump;
  bool too_complex = false;
  int code = 0;
  char text[JMSG_LENGTH_MAX] = {};
};

ErrorTrap& TrapOf(j_common_ptr info) {
  return *reinterpret_cast<ErrorTrap*>(info->err);
}

[[noreturn]] void Fail(j_common_ptr info) {
  ErrorTrap& trap = TrapOf(info);
  trap.code = trap.manager.msg_code;
  trap.manager.format_message(info, trap.text);
  longjmp(trap.jump, 1);
}

// Level -1 is a warning: the data is damaged, so it ends the decoding. Two of
// them are about version numbers that change nothing.
void OnMessage(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level >= 0 || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM) {
    return;
  }
  Fail(info);
}

jpeg_error_mgr* SetTrap(ErrorTrap& trap) {
  jpeg_std_error(&trap.manager);
  trap.manager.error_exit = Fail;
  trap.manager.emit_message = OnMessage;
  trap.manager.output_message = [](j_common_ptr) {};
  return &trap.manager;
}

Failure FailureOf(const ErrorTrap& trap) {
  FailureCode code = FailureCode::kCorruptImage;
  switch (trap.code) {
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_COMPONENT_COUNT:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      code = FailureCode::kUnsupportedFormat;
      break;
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
      code = FailureCode::kTooComplex;
      break;
  }
  if (trap.too_complex)
    return {FailureCode::kTooComplex, 0, "JPEG: too many scans"};
  return {code, 0, std::string("JPEG: ") + trap.text};
}

// Decodes from memory without libjpeg's leniency at the end of the data.
struct MemorySource {
  jpeg_source_mgr manager;  // First.

  explicit MemorySource(std::span<const uint8_t> bytes) : manager{} {
    manager.next_input_byte = bytes.data();
    manager.bytes_in_buffer = bytes.size();
    manager.init_source = [](j_decompress_ptr) {};
    manager.fill_input_buffer = [](j_decompress_ptr info) -> boolean {
      info->src->next_input_byte = kNoMoreInput;
      info->src->bytes_in_buffer = sizeof kNoMoreInput;
      WARNMS(info, JWRN_JPEG_EOF);
      return TRUE;
    };
    manager.skip_input_data = [](j_decompress_ptr info, long count) {
      if (count <= 0) return;
      jpeg_source_mgr* source = info->src;
      if (static_cast<size_t>(count) > source->bytes_in_buffer) {
        source->bytes_in_buffer = 0;
        source->fill_input_buffer(info);
        return;
      }
      source->next_input_byte += count;
      source->bytes_in_buffer -= static_cast<size_t>(count);
    };
    manager.resync_to_restart = jpeg_resync_to_restart;
    manager.term_source = [](j_decompress_ptr) {};
  }
};

// Bounds progressive bombs: libjpeg calls it for every row of units.
struct ScanWatch {
  jpeg_progress_mgr manager;  // First.
  int max_scans = 0;
};

void WatchScans(j_common_ptr info) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  const auto* watch = reinterpret_cast<const ScanWatch*>(info->progress);
  if (decompress->input_scan_number <= watch->max_scans) return;
  TrapOf(info).too_complex = true;
  longjmp(TrapOf(info).jump, 1);
}

// False when a progressive file ends before the last bits of what it began:
// somebody closed a truncated file. `bits`: see jpeg_decompress_struct.
bool IsComplete(const int (&bits)[DCTSIZE2]) {
  return bits[0] == 0 && std::all_of(std::begin(bits), std::end(bits),
                                     [](int low) { return low <= 0; });
}

}  // namespace

struct JpegCoefficients::Decoder {
  explicit Decoder(std::span<const uint8_t> bytes) : source(bytes) {}
  ~Decoder() { jpeg_destroy_decompress(&info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  bool Run(int max_scans);

  jpeg_decompress_struct info{};
  ErrorTrap trap{};
  MemorySource source;
  ScanWatch watch{};
  // Rows of blocks of each component, in libjpeg's memory.
  std::array<std::vector<const int16_t*>, 4> rows;
};

bool JpegCoefficients::Decoder::Run(int max_scans) {
  if (setjmp(trap.jump) != 0) return false;
  info.err = SetTrap(trap);
  jpeg_create_decompress(&info);
  watch.manager.progress_monitor = WatchScans;
  watch.max_scans = max_scans;
  info.progress = &watch.manager;
  info.src = &source.manager;
  jpeg_read_header(&info, TRUE);
  jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
  for (int i = 0; i < info.num_components; ++i) {
    const jpeg_component_info& component = info.comp_info[i];
    // Set by a component's first scan; without one there is no picture.
    if (component.quant_table == nullptr) ERREXIT(&info, JERR_NO_QUANT_TABLE);
    if (info.progressive_mode && !IsComplete(info.coef_bits[i])) {
      WARNMS(&info, JWRN_JPEG_EOF);
    }
    const auto step = static_cast<JDIMENSION>(component.v_samp_factor);
    const JDIMENSION height =
        (component.height_in_blocks + step - 1) / step * step;
    rows[static_cast<size_t>(i)].reserve(height);
    for (JDIMENSION row = 0; row < height; row += step) {
      // The whole array is in memory (this libjpeg has no backing store), so
      // the rows stay where they are.
      JBLOCKARRAY blocks = info.mem->access_virt_barray(
          reinterpret_cast<j_common_ptr>(&info), arrays[i], row, step, FALSE);
      for (JDIMENSION j = 0; j < step; ++j) {
        rows[static_cast<size_t>(i)].push_back(blocks[j][0]);
      }
    }
  }
  return true;
}

JpegCoefficients::JpegCoefficients(std::unique_ptr<Decoder> decoder)
    : decoder_(std::move(decoder)) {}
JpegCoefficients::JpegCoefficients(JpegCoefficients&&) noexcept = default;
JpegCoefficients& JpegCoefficients::operator=(JpegCoefficients&&) noexcept =
    default;
JpegCoefficients::~JpegCoefficients() = default;

Result<JpegCoefficients, Failure> JpegCoefficients::Read(
    std::span<const uint8_t> source, const CodecLimits& limits) {
  auto decoder = std::make_unique<Decoder>(source);
  if (!decoder->Run(limits.max_scans)) return FailureOf(decoder->trap);
  return JpegCoefficients(std::move(decoder));
}

const int16_t* JpegCoefficients::Block(int component, uint32_t row,
                                       uint32_t column) const {
  return decoder_->rows[static_cast<size_t>(component)][row] + 64 * column;
}

JpegSteps JpegCoefficients::Steps(int component) const {
  const JQUANT_TBL* table = decoder_->info.comp_info[component].quant_table;
  IMGBATCH_ASSERT(table != nullptr);  // Run saw to it.
  JpegSteps steps;
  for (size_t i = 0; i < 64; ++i) {
    steps[i] = table->quantval[kJpegNaturalOrder[i]];
  }
  return steps;
}

uint64_t CoefficientMemory(const JpegHeader& header) {
  uint64_t blocks = 0;
  for (int i = 0; i < header.components; ++i) {
    const JpegGrid grid = BlockGrid(header, i);
    blocks += uint64_t{grid.padded_width} * grid.padded_height;
  }
  return blocks * 64 * sizeof(int16_t) + (uint64_t{1} << 16);
}

Result<std::vector<uint8_t>, Failure> CompressPixels(const Pixels& pixels,
                                                     int quality) {
  jpeg_compress_struct info{};
  ErrorTrap trap{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  std::vector<uint8_t> out;
  const auto run = [&]() {
    if (setjmp(trap.jump) != 0) return false;
    info.err = SetTrap(trap);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &buffer, &size);
    info.image_width = pixels.width;
    info.image_height = pixels.height;
    info.input_components = pixels.channels;
    info.in_color_space = pixels.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    info.optimize_coding = TRUE;
    jpeg_start_compress(&info, TRUE);
    if (!pixels.icc.empty()) {
      jpeg_write_icc_profile(&info, pixels.icc.data(),
                             static_cast<unsigned>(pixels.icc.size()));
    }
    const size_t stride = size_t{pixels.width} * pixels.channels;
    while (info.next_scanline < info.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(pixels.data.data() +
                                          stride * info.next_scanline);
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    return true;
  };
  const bool ok = run();
  jpeg_destroy_compress(&info);
  if (ok) out.assign(buffer, buffer + size);
  std::free(buffer);
  if (!ok) return FailureOf(trap);
  return out;
}

}  // namespace imgbatch
