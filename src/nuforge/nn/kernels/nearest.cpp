// Nearest points of short events on a CPU: distances of all pairs, and the smallest of each row kept in order.

#include <cstdint>
#include <vector>

#include "crew.h"

namespace {

using nuforge::in_parallel;

constexpr int64_t TOGETHER = 64;  // events that a thread takes at once

// The k smallest of what is offered, rising; of equal ones the earliest offered.
struct Smallest {
  double* value;
  int64_t* row;
  int64_t k, n = 0;

  void offer(double v, int64_t r) {
    if (n == k && !(v < value[k - 1])) return;
    int64_t place = n < k ? n++ : k - 1;
    for (; place > 0 && v < value[place - 1]; --place) {
      value[place] = value[place - 1];
      row[place] = row[place - 1];
    }
    value[place] = v;
    row[place] = r;
  }
};

}  // namespace

extern "C" {

// nearest (n, k): rows of the nearest other points of the same event by distance, -1 where there are no more. Events of
// more than `longest` points are left as they are. position (n, dimension); offsets (n_events + 1).
void nuforge_nearest(const double* position, const int64_t* offsets, int64_t n_events, int64_t dimension, int64_t k,
                     int64_t longest, int64_t* nearest, int threads) {
  in_parallel((n_events + TOGETHER - 1) / TOGETHER, threads, [&](int64_t block) {
    std::vector<double> plane(dimension * longest), square(longest), value(k);
    const int64_t last = std::min(n_events, (block + 1) * TOGETHER);
    for (int64_t event = block * TOGETHER; event < last; ++event) {
      const int64_t first = offsets[event], n = offsets[event + 1] - first;
      if (n > longest) continue;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t axis = 0; axis < dimension; ++axis)
          plane[axis * longest + i] = position[(first + i) * dimension + axis];
      for (int64_t i = 0; i < n; ++i) {
        std::fill(square.begin(), square.begin() + n, 0.0);
        for (int64_t axis = 0; axis < dimension; ++axis) {
          const double *x = &plane[axis * longest], here = x[i];
          for (int64_t j = 0; j < n; ++j) square[j] += (x[j] - here) * (x[j] - here);
        }
        int64_t* row = nearest + (first + i) * k;
        Smallest found{value.data(), row, k};
        for (int64_t j = 0; j < i; ++j) found.offer(square[j], first + j);
        for (int64_t j = i + 1; j < n; ++j) found.offer(square[j], first + j);
        std::fill(row + found.n, row + k, -1);
      }
    }
  });
}
}
