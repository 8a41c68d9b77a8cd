// Tables on even grids. `kernel/layout.py` mirrors the structure.

#pragma once

#include <algorithm>
#include <cstdint>

#include "arithmetic.h"

namespace nuforge {

// Between two of n points: the lower one, and the fraction on the way to the next.
struct Point {
  int64_t below;
  float on;
};

inline Point point_of(float x, int64_t points) {
  x = between(x, 0.0f, static_cast<float>(points) - 1.001f);
  const auto below = static_cast<int64_t>(x);
  return {below, x - static_cast<float>(below)};
}

inline float blended(float low, float high, float on) { return low + on * (high - low); }

// Values on an even grid in the logarithm of the energy, `rows` of `columns` numbers.
struct Grid {
  const float* values;
  int64_t rows, columns;
  float lowest, per_unit;

  // `count` columns at an energy, of the table of `block`.
  template <int count>
  void at(float log_energy, int64_t block, float* out) const {
    const Point row = point_of((log_energy - lowest) * per_unit, rows);
    const float* low = values + (block * rows + row.below) * count;
    for (int q = 0; q < count; ++q) out[q] = blended(low[q], low[q + count], row.on);
  }

  // One column of any number of them.
  float column(float log_energy, int64_t q) const {
    const Point row = point_of((log_energy - lowest) * per_unit, rows);
    const float* low = values + row.below * columns + q;
    return blended(low[0], low[columns], row.on);
  }

  float bilinear(float log_energy, float y) const {
    const Point row = point_of((log_energy - lowest) * per_unit, rows), at = point_of(y, columns);
    const float* low = values + row.below * columns + at.below;
    const float* high = low + columns;
    return blended(blended(low[0], low[1], at.on), blended(high[0], high[1], at.on), row.on);
  }

  // The variable of a spectrum at a uniform number.
  float draw(float log_energy, float uniform) const {
    return bilinear(log_energy, uniform * (static_cast<float>(columns) - 1.001f));
  }
};

}  // namespace nuforge
