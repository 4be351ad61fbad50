// What an image cell says: one URL, a list of them, or JSON; and the cell that
// answers it. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace imgbatch {

inline constexpr size_t kMaxUrlsPerCell = 256;

struct ImageCell {
  bool is_json = false;
  std::vector<std::string> urls;  // As found, trimmed, in place order.
};

// A list is split only at commas, semicolons, bars and white space that are
// followed by a scheme ("https://", "//"), so that URLs may contain them. A
// cell without any scheme is one URL, or with `paths` one for each part. A
// cell that begins with "[" or "{" and is JSON gives its strings, or the
// values of "url", "src" or "link" of its objects.
ImageCell SplitImageCell(std::string_view text, bool paths);
// The same without copies: gives each URL to `visit`, and returns is_json.
bool VisitImageCell(std::string_view text, bool paths,
                    const std::function<void(std::string_view)>& visit);

// True for "https://…", "http://…" and "//…".
bool LooksLikeUrl(std::string_view text);
// True for LooksLikeUrl whose path ends like a picture's file name.
bool LooksLikeImageUrl(std::string_view text);

// Answers a list: the outputs joined by ",". Never begins a formula.
std::string ListCell(std::span<const std::string> outputs);
// Answers a JSON cell: the same JSON with `outputs` in its URLs' places.
std::string JsonCell(std::string_view cell,
                     std::span<const std::string> outputs);

// True when a spreadsheet would take the text for a formula (OWASP, CSV
// injection): it begins with = + - @ TAB or CR.
bool BeginsFormula(std::string_view text);

}  // namespace imgbatch
