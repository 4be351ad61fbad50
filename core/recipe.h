// What to do to every image of a batch. Stored with the batch, so that a
// resume cannot differ from the run that it goes on with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace imgbatch {

// How much time compression may take for fewer bytes.
enum class Effort : uint8_t { kFast, kBalanced, kMax };

struct Recipe {
  // 1..100. A cap: the result is never finer than the source already is. With
  // `quality_is_percent` it is that share of the source's estimated quality.
  int quality = 50;
  bool quality_is_percent = false;
  Effort effort = Effort::kFast;
  // Keep EXIF, XMP and comments. Off: only colour profile and orientation stay.
  bool keep_metadata = false;
  // Re-encoding must save at least this share of the source, 0..99 percent;
  // otherwise the image is kept_original. 2: below that the generation loss is
  // not worth the bytes.
  int min_savings_percent = 2;

  bool operator==(const Recipe&) const = default;
};

// The canonical text, e.g. "quality=50;effort=fast;metadata=strip;min=2".
// Equal recipes give equal texts; ParseRecipe(ToText(r)) == r.
std::string ToText(const Recipe& recipe);
Result<Recipe> ParseRecipe(std::string_view text);

// Names the results of this recipe in the content table: 16 hex digits of the
// SHA-256 of the canonical text and of the encoders' version. Results of equal
// fingerprints for equal bytes are equal.
std::string Fingerprint(const Recipe& recipe);

}  // namespace imgbatch
