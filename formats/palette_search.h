// The nearest colour of a palette, found by walking the neighbours of a guess.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/colour_space.h"

namespace imgbatch {

// Keeps a copy of the palette; 1..256 colours.
class PaletteSearch {
 public:
  explicit PaletteSearch(std::vector<Point> palette);

  struct Found {
    int index;
    float distance;  // Squared.
  };
  // Exact: the neighbours of the guess g are tried from near to far until one
  // is more than twice as far from g as the point is, which then none beyond
  // can beat. `guess` is any index; the better, the faster.
  Found Nearest(const Point& point, int guess) const;

  const std::vector<Point>& palette() const { return palette_; }

 private:
  struct Neighbour {
    float distance;  // Squared.
    int index;
  };
  std::vector<Point> palette_;
  std::vector<Neighbour> neighbours_;  // A row for each colour, near to far.
};

}  // namespace imgbatch
