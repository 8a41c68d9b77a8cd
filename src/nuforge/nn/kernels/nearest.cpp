// Nearest points of short events on a CPU: distances of all pairs, and the smallest of each point kept in order.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "crew.h"

namespace {

using nuforge::in_parallel;

constexpr int64_t TOGETHER = 64;  // events that a thread takes at once
constexpr int64_t LANES = 8;      // points whose neighbours are sought at once, one in each lane of a vector
constexpr int64_t NONE = std::numeric_limits<int64_t>::max();

// The points of one event: planes of coordinates, `room` apart.
struct Event {
  const double* plane;
  int64_t dimension, n, room;
};

typedef double Doubles __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t Integers __attribute__((vector_size(LANES * sizeof(int64_t))));

// smallest (k): for each of the points from `first` on, squared distances to the nearest others, rising, with their
// numbers in the lowest bits. Squares are not negative, so their bits rise as they do. There is no branch that would be
// guessed wrong: whatever is larger is handed on.
void search(const Event& event, int64_t first, int64_t k, int64_t numbers, Integers* smallest) {
  Integers own;
  for (int64_t lane = 0; lane < LANES; ++lane) own[lane] = first + lane;
  std::fill(smallest, smallest + k, Integers{} + NONE);
  for (int64_t j = 0; j < event.n; ++j) {
    Doubles square{};
    for (int64_t axis = 0; axis < event.dimension; ++axis) {
      const double* x = event.plane + axis * event.room;
      Doubles step;
      std::memcpy(&step, x + first, sizeof step);
      step -= x[j];
      square += step * step;
    }
    Integers key;
    std::memcpy(&key, &square, sizeof key);
    key = own == j ? Integers{} + NONE : (key & ~numbers) | j;
    for (int64_t s = 0; s < k; ++s) {
      const Integers kept = smallest[s], nearer = kept < key;
      smallest[s] = nearer ? kept : key;
      key = nearer ? key : kept;
    }
  }
}

}  // namespace

extern "C" {

// nearest (n, k): rows of the nearest other points of the same event by distance, -1 where there are no more. Events of
// more than `longest` points are left as they are. Squares of distances count to as many bits as the number of a point
// leaves. position (n, dimension); offsets (n_events + 1).
void nuforge_nearest(const double* position, const int64_t* offsets, int64_t n_events, int64_t dimension, int64_t k,
                     int64_t longest, int64_t* nearest, int threads) {
  int64_t numbers = 1;  // all bits of a number set
  while (numbers < longest) numbers = 2 * numbers + 1;
  const int64_t room = longest + LANES;
  in_parallel((n_events + TOGETHER - 1) / TOGETHER, threads, [&](int64_t block) {
    std::vector<double> plane(dimension * room);
    std::vector<Integers> smallest(k);
    for (int64_t e = block * TOGETHER; e < std::min(n_events, (block + 1) * TOGETHER); ++e) {
      const int64_t begin = offsets[e], n = offsets[e + 1] - begin;
      if (n > longest) continue;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t axis = 0; axis < dimension; ++axis)
          plane[axis * room + i] = position[(begin + i) * dimension + axis];
      for (int64_t first = 0; first < n; first += LANES) {
        search({plane.data(), dimension, n, room}, first, k, numbers, smallest.data());
        for (int64_t lane = 0; lane < std::min(LANES, n - first); ++lane) {
          int64_t* row = nearest + (begin + first + lane) * k;
          for (int64_t s = 0; s < k; ++s) {
            const int64_t key = smallest[s][lane];
            row[s] = key == NONE ? -1 : begin + (key & numbers);
          }
        }
      }
    }
  });
}
}
