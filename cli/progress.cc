#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/quantities.h"

namespace imgbatch {
namespace {

constexpr Milliseconds kRedraw{100};
constexpr Milliseconds kPlainEvery{30'000};
constexpr Milliseconds kRateWindow{5'000};

int TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return 80;
}

// A bar of `cells` characters in eighths of a block.
std::string Bar(double share, int cells) {
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(share * cells * 8);
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  int used = eighths / 8;
  if (eighths % 8 != 0) {
    bar += kEighths[eighths % 8];
    ++used;
  }
  bar.append(static_cast<size_t>(std::max(cells - used, 0)), ' ');
  return bar;
}

}  // namespace

ProgressStyle DetectProgressStyle(bool quiet) {
  if (quiet) return ProgressStyle::kNone;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return isatty(STDERR_FILENO) != 0 && !dumb ? ProgressStyle::kBar
                                             : ProgressStyle::kPlain;
}

std::string ProgressLine(const ProgressNumbers& numbers, int width, bool bar) {
  const Tally& tally = numbers.tally;
  const int64_t ended = tally.done + tally.failed;
  const double share = tally.total > 0 ? static_cast<double>(ended) /
                                             static_cast<double>(tally.total)
                                       : 0.0;
  std::string facts = fmt::format(
      "{}/{}{}  {:.0f} images/s  {}/s  saved {}  failed {}", ShowCount(ended),
      ShowCount(tally.total), numbers.sealed ? "" : "+", numbers.images_rate,
      ShowBytes(std::llround(numbers.bytes_rate)),
      ShowShare(tally.bytes_source - tally.bytes_stored, tally.bytes_source),
      ShowCount(tally.failed));
  if (tally.waiting > 0) {
    facts += fmt::format("  waiting {}", ShowCount(tally.waiting));
  }
  if (numbers.images_rate > 0 && numbers.sealed) {
    const double seconds =
        static_cast<double>(tally.pending()) / numbers.images_rate;
    facts += "  ETA " + ShowDuration(Milliseconds(std::llround(seconds * 1e3)));
  }
  const int percent = static_cast<int>(share * 100);
  if (!bar) return fmt::format("{} %  {}", percent, facts);
  const int room = width - 8 - static_cast<int>(facts.size());
  if (room < 5) {
    std::string line = fmt::format("{:3} %  {}", percent, facts);
    line.resize(
        std::min(line.size(), static_cast<size_t>(std::max(width - 1, 0))));
    return line;
  }
  return fmt::format("{:3} % {} {}", percent, Bar(share, std::min(room, 20)),
                     facts);
}

Progress::Progress(JobReader& reader, const Clock& clock, BatchKey batch,
                   ProgressStyle style)
    : reader_(reader),
      clock_(clock),
      batch_(batch),
      style_(style),
      shown_at_(clock.Steady()) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::OnTurn(int) {
  if (style_ == ProgressStyle::kNone) return;
  const Milliseconds now = clock_.Steady();
  const bool bar = style_ == ProgressStyle::kBar;
  if (now - shown_at_ < (bar ? kRedraw : kPlainEvery)) return;
  shown_at_ = now;
  const auto view = reader_.ReadBatch(batch_);
  if (!view) return;  // The drain itself will say what is wrong.
  const Tally& tally = view->tally;
  samples_.push_back({now, tally.done + tally.failed, tally.bytes_downloaded});
  while (samples_.size() > 2 && now - samples_[1].at > kRateWindow) {
    samples_.pop_front();
  }
  ProgressNumbers numbers{tally, view->sealed, 0, 0};
  const Sample& first = samples_.front();
  const double seconds = std::chrono::duration<double>(now - first.at).count();
  if (seconds > 0) {
    numbers.images_rate =
        static_cast<double>(samples_.back().images - first.images) / seconds;
    numbers.bytes_rate =
        static_cast<double>(samples_.back().bytes - first.bytes) / seconds;
  }
  if (bar) {
    std::fputs(("\r" + ProgressLine(numbers, TerminalWidth(), true) + "\x1b[K")
                   .c_str(),
               stderr);
    drawn_ = true;
  } else {
    std::fputs((ProgressLine(numbers, 0, false) + "\n").c_str(), stderr);
  }
}

}  // namespace imgbatch
