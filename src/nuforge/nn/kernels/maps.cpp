// Kernel maps on a CPU: who is whose neighbour, by merging sorted keys, and the pairs laid out for the products.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "crew.h"

namespace {

using nuforge::in_parallel;

constexpr int64_t WORTH_A_THREAD = 1 << 15;  // entries of a table below which one thread is faster than two

// Input row of each offset and output row, from which the pairs of each block and offset are found.
struct Table {
  const int32_t* rows;
  int64_t n_offsets, n_out, block;

  int64_t blocks() const { return (n_out + block - 1) / block; }
  int64_t rows_of(int64_t b) const { return std::min(block, n_out - b * block); }
  const int32_t* part(int64_t b, int64_t k) const { return rows + k * n_out + b * block; }
  int threads(int wanted) const { return n_offsets * n_out < WORTH_A_THREAD ? 1 : wanted; }
};

}  // namespace

extern "C" {

// table (n_offsets, n): the row whose key is keys[i] + the offset's step, or -1. Keys (n) rise. An offset is one of
// three steps -1, 0, 1 from one of n_lines lines; lines come in opposite pairs around the middle one, whose step is 0.
void nuforge_neighbours(const int64_t* keys, int64_t n, const int64_t* lines, int64_t n_lines, int32_t* table,
                        int threads) {
  const int64_t n_offsets = 3 * n_lines, middle = n_lines / 2;
  in_parallel(middle + 1, n_offsets * n < WORTH_A_THREAD ? 1 : threads, [&](int64_t line) {
    int32_t *here[3], *opposite[3];
    for (int64_t j = 0; j < 3; ++j) {
      here[j] = table + (3 * line + j) * n;
      opposite[j] = table + (n_offsets - 1 - 3 * line - j) * n;
      std::fill(here[j], here[j] + n, -1);
      std::fill(opposite[j], opposite[j] + n, -1);
    }
    int64_t row = 0;  // the first whose key is not below the first of the three sought
    for (int64_t i = 0; i < n; ++i) {
      const int64_t first = keys[i] + lines[line] - 1;
      while (row < n && keys[row] < first) ++row;
      for (int64_t j = 0, found = row; j < 3; ++j) {
        if (found == n || keys[found] != first + j) continue;
        here[j][i] = static_cast<int32_t>(found);
        opposite[j][found++] = static_cast<int32_t>(i);
      }
    }
  });
}

// table (n_steps, n): the row whose key is keys[i] + steps[k], or -1. Keys (n) rise. Steps come in opposite pairs around
// the middle one, which is 0.
void nuforge_neighbours_at(const int64_t* keys, int64_t n, const int64_t* steps, int64_t n_steps, int32_t* table,
                           int threads) {
  const int64_t middle = n_steps / 2;
  in_parallel(middle + 1, n_steps * n < WORTH_A_THREAD ? 1 : threads, [&](int64_t k) {
    int32_t *here = table + k * n, *opposite = table + (n_steps - 1 - k) * n;
    std::fill(here, here + n, -1);
    std::fill(opposite, opposite + n, -1);
    int64_t row = 0;  // the first whose key is not below the one sought
    for (int64_t i = 0; i < n; ++i) {
      const int64_t sought = keys[i] + steps[k];
      while (row < n && keys[row] < sought) ++row;
      if (row == n || keys[row] != sought) continue;
      here[i] = static_cast<int32_t>(row);
      opposite[row] = static_cast<int32_t>(i);
    }
  });
}

// starts (blocks * n_offsets + 1): where the pairs of each block of output rows and offset begin, and the end.
void nuforge_count_pairs(const int32_t* rows, int64_t n_offsets, int64_t n_out, int64_t block, int64_t* starts,
                         int threads) {
  const Table table{rows, n_offsets, n_out, block};
  starts[0] = 0;
  in_parallel(table.blocks(), table.threads(threads), [&](int64_t b) {
    for (int64_t k = 0; k < n_offsets; ++k) {
      const int32_t* part = table.part(b, k);
      int32_t count = 0;
      for (int64_t i = 0; i < table.rows_of(b); ++i) count += part[i] >= 0;
      starts[b * n_offsets + k + 1] = count;
    }
  });
  for (int64_t s = 0; s < table.blocks() * n_offsets; ++s) starts[s + 1] += starts[s];
}

// source and target: input and output row of each pair, sorted by block, then offset, then output row.
void nuforge_pairs(const int32_t* rows, int64_t n_offsets, int64_t n_out, int64_t block, const int64_t* starts,
                   int32_t* source, int32_t* target, int threads) {
  const Table table{rows, n_offsets, n_out, block};
  in_parallel(table.blocks(), table.threads(threads), [&](int64_t b) {
    std::vector<int32_t> from(block), to(block);
    for (int64_t k = 0; k < n_offsets; ++k) {
      const int32_t* part = table.part(b, k);
      int64_t count = 0;
      for (int64_t i = 0; i < table.rows_of(b); ++i) {  // without a branch, which would be guessed wrong
        from[count] = part[i];
        to[count] = static_cast<int32_t>(b * block + i);
        count += part[i] >= 0;
      }
      const int64_t begin = starts[b * n_offsets + k];
      std::memcpy(source + begin, from.data(), count * sizeof(int32_t));
      std::memcpy(target + begin, to.data(), count * sizeof(int32_t));
    }
  });
}
}
