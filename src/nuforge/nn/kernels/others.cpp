// The nearest of other points on a CPU: distances of each point to all others of its event, eight at once.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "crew.h"

namespace {

using nuforge::in_parallel;

constexpr int64_t TOGETHER = 64;  // points that a thread takes at once
constexpr int64_t LANES = 8;      // others whose distance is found at once

typedef double Doubles __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t Integers __attribute__((vector_size(LANES * sizeof(int64_t))));

// The nearest so far: its squared distance and number, the lower number of equally near ones.
struct Nearest {
  double square = std::numeric_limits<double>::infinity();
  int64_t number = -1;

  void look(double other, int64_t its_number) {
    if (other < square || (other == square && its_number < number)) {
      square = other;
      number = its_number;
    }
  }
};

// The number of the nearest of the others from `begin` to `end`, whose coordinates are planes, `room` apart.
int64_t nearest_of(const double* point, const double* others, int64_t room, int64_t dimension, int64_t begin,
                   int64_t end) {
  Doubles least = Doubles{} + std::numeric_limits<double>::infinity();
  Integers number = Integers{} - 1, here;
  for (int64_t lane = 0; lane < LANES; ++lane) here[lane] = begin + lane;
  int64_t j = begin;
  for (; j + LANES <= end; j += LANES, here += LANES) {
    Doubles square{};
    for (int64_t axis = 0; axis < dimension; ++axis) {
      Doubles step;
      std::memcpy(&step, others + axis * room + j, sizeof step);
      step -= point[axis];
      square += step * step;
    }
    const Integers nearer = square < least;
    least = nearer ? square : least;
    number = nearer ? here : number;
  }
  Nearest nearest;
  for (int64_t lane = 0; lane < LANES; ++lane)
    if (number[lane] >= 0) nearest.look(least[lane], number[lane]);
  for (; j < end; ++j) {
    double square = 0;
    for (int64_t axis = 0; axis < dimension; ++axis) {
      const double step = others[axis * room + j] - point[axis];
      square += step * step;
    }
    nearest.look(square, j);
  }
  return nearest.number;
}

}  // namespace

extern "C" {

// row (n): the number of the nearest other of each of n points, of those from begin (n) to end (n); -1 if there is none.
// position (n, dimension); others (dimension, n_others).
void nuforge_others(const double* position, const double* others, const int64_t* begin, const int64_t* end, int64_t n,
                    int64_t n_others, int64_t dimension, int64_t* row, int threads) {
  in_parallel((n + TOGETHER - 1) / TOGETHER, threads, [&](int64_t block) {
    for (int64_t i = block * TOGETHER; i < std::min(n, (block + 1) * TOGETHER); ++i)
      row[i] = nearest_of(position + i * dimension, others, n_others, dimension, begin[i], end[i]);
  });
}
}
