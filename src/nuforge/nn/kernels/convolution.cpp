// Sparse convolution on a CPU: gather, multiply and add in registers.
//
// The pairs of a kernel map come sorted by block of output rows, then offset, then output row; under one offset every
// row occurs once. A thread takes a block of output rows, so sums are made in the same order with any number of threads.
// Channels of the output come in vectors of 8 or more.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "crew.h"
#include "vector.h"

namespace {

using namespace nuforge;

constexpr int64_t WORTH_A_THREAD = 1 << 20;  // multiplications below which one thread is faster than two

// Pairs of input and output rows, and where those of each block and offset begin.
struct Pairs {
  const int32_t *source, *target;
  const int64_t* starts;
  int64_t n_offsets, n_out, block;

  int64_t blocks() const { return (n_out + block - 1) / block; }
  int64_t count() const { return starts[blocks() * n_offsets]; }
};

// TILE pairs times PANEL vectors of output channels, all sums in registers.
template <int LANES, int PANEL, int TILE>
inline void tile(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target, int64_t c_in,
                 int64_t c_out) {
  using V = Vector<LANES>;
  const float* rows[TILE];
  V sum[TILE][PANEL];
#pragma GCC unroll 16
  for (int t = 0; t < TILE; ++t) {
    rows[t] = x + source[t] * c_in;
#pragma GCC unroll 4
    for (int p = 0; p < PANEL; ++p) sum[t][p] = load<LANES>(out + target[t] * c_out + p * LANES);
  }
  for (int64_t c = 0; c < c_in; ++c) {
    V weight[PANEL];
#pragma GCC unroll 4
    for (int p = 0; p < PANEL; ++p) weight[p] = load<LANES>(w + c * c_out + p * LANES);
#pragma GCC unroll 16
    for (int t = 0; t < TILE; ++t) {
      const float value = rows[t][c];
#pragma GCC unroll 4
      for (int p = 0; p < PANEL; ++p) sum[t][p] += value * weight[p];
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < TILE; ++t)
#pragma GCC unroll 4
    for (int p = 0; p < PANEL; ++p) store<LANES>(out + target[t] * c_out + p * LANES, sum[t][p]);
}

// The last pairs, fewer than a whole tile.
template <int LANES, int PANEL, int TILE>
inline void rest(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target, int64_t n,
                 int64_t c_in, int64_t c_out) {
  if constexpr (TILE > 0) {
    if (n == TILE)
      tile<LANES, PANEL, TILE>(x, w, out, source, target, c_in, c_out);
    else
      rest<LANES, PANEL, TILE - 1>(x, w, out, source, target, n, c_in, c_out);
  }
}

template <int LANES, int PANEL>
void panel(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target, int64_t n,
           int64_t c_in, int64_t c_out) {
  constexpr int SUMS = REGISTERS == 32 ? (PANEL == 1 ? 12 : PANEL == 2 ? 20 : 24) : 12;  // the rest are for factors
  constexpr int TILE = SUMS / PANEL;
  int64_t i = 0;
  for (; i + TILE <= n; i += TILE) tile<LANES, PANEL, TILE>(x, w, out, source + i, target + i, c_in, c_out);
  rest<LANES, PANEL, TILE - 1>(x, w, out, source + i, target + i, n - i, c_in, c_out);
}

// How many vectors of channels to take next, of those that are left: 5 are better taken as 3 and 2 than as 4 and 1.
inline int64_t next_panel(int64_t left) { return left == 5 ? 3 : std::min<int64_t>(left, 4); }

// The pairs of one offset: rows of x times w (c_in, c_out), added to rows of out.
void multiply(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target, int64_t n,
              int64_t c_in, int64_t c_out) {
  int64_t c = 0;
  while (c + WIDEST <= c_out) {
    const int64_t vectors = next_panel((c_out - c) / WIDEST);
    switch (vectors) {
      case 1: panel<WIDEST, 1>(x, w + c, out + c, source, target, n, c_in, c_out); break;
      case 2: panel<WIDEST, 2>(x, w + c, out + c, source, target, n, c_in, c_out); break;
      case 3: panel<WIDEST, 3>(x, w + c, out + c, source, target, n, c_in, c_out); break;
      default: panel<WIDEST, 4>(x, w + c, out + c, source, target, n, c_in, c_out);
    }
    c += vectors * WIDEST;
  }
  if (c < c_out) panel<8, 1>(x, w + c, out + c, source, target, n, c_in, c_out);
}

// Sum over pairs of ROWS input channels times PANEL vectors of output channels, in registers.
template <int LANES, int PANEL, int ROWS>
void outer(const float* x, const float* g, float* w, const int32_t* source, const int32_t* target, int64_t n,
           int64_t c_in, int64_t c_out) {
  using V = Vector<LANES>;
  V sum[ROWS][PANEL];
  for (int r = 0; r < ROWS; ++r)
    for (int p = 0; p < PANEL; ++p) sum[r][p] = V{};
  for (int64_t i = 0; i < n; ++i) {
    const float* row = x + source[i] * c_in;
    V gradient[PANEL];
#pragma GCC unroll 4
    for (int p = 0; p < PANEL; ++p) gradient[p] = load<LANES>(g + target[i] * c_out + p * LANES);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 4
      for (int p = 0; p < PANEL; ++p) sum[r][p] += row[r] * gradient[p];
  }
  for (int r = 0; r < ROWS; ++r)
    for (int p = 0; p < PANEL; ++p)
      store<LANES>(w + r * c_out + p * LANES, load<LANES>(w + r * c_out + p * LANES) + sum[r][p]);
}

// ROWS input channels times all output channels.
template <int ROWS>
void outer_rows(const float* x, const float* g, float* w, const int32_t* source, const int32_t* target, int64_t n,
                int64_t c_in, int64_t c_out) {
  constexpr int64_t MOST = REGISTERS == 32 && ROWS <= 8 ? 3 : 1;
  int64_t c = 0;
  while (c + WIDEST <= c_out) {
    const int64_t left = (c_out - c) / WIDEST, vectors = left == 4 && MOST > 1 ? 2 : std::min(left, MOST);
    switch (vectors) {
      case 1: outer<WIDEST, 1, ROWS>(x, g + c, w + c, source, target, n, c_in, c_out); break;
      case 2: outer<WIDEST, 2, ROWS>(x, g + c, w + c, source, target, n, c_in, c_out); break;
      default: outer<WIDEST, 3, ROWS>(x, g + c, w + c, source, target, n, c_in, c_out);
    }
    c += vectors * WIDEST;
  }
  if (c < c_out) outer<8, 1, ROWS>(x, g + c, w + c, source, target, n, c_in, c_out);
}

// As many input channels at once as there are registers for their sums.
inline void outer_products(const float* x, const float* g, float* w, const int32_t* source, const int32_t* target,
                           int64_t n, int64_t c_in, int64_t c_out) {
    int64_t r = 0;
  if (REGISTERS == 32 && c_out < 2 * WIDEST)
    for (; r + 16 <= c_in; r += 16) outer_rows<16>(x + r, g, w + r * c_out, source, target, n, c_in, c_out);
  for (; r + 8 <= c_in; r += 8) outer_rows<8>(x + r, g, w + r * c_out, source, target, n, c_in, c_out);
  for (; r < c_in; ++r) outer_rows<1>(x + r, g, w + r * c_out, source, target, n, c_in, c_out);
}

constexpr int64_t PAIRS_AT_ONCE = 128;  // their rows stay in the cache, and short sums keep single precision

}  // namespace

extern "C" {

// out (n_out, c_out) = sum over offsets k and pairs of x[source] w[k]; c_out is a multiple of 8.
void nuforge_convolve(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target,
                      const int64_t* starts, int64_t n_offsets, int64_t n_out, int64_t block, int64_t c_in,
                      int64_t c_out, int threads) {
  const Pairs pairs{source, target, starts, n_offsets, n_out, block};
  if (pairs.count() * c_in * c_out < WORTH_A_THREAD) threads = 1;
  in_parallel(pairs.blocks(), threads, [&](int64_t b) {
    const int64_t first = b * block, last = std::min(n_out, first + block);
    std::memset(out + first * c_out, 0, sizeof(float) * (last - first) * c_out);
    for (int64_t k = 0; k < n_offsets; ++k) {
      const int64_t begin = starts[b * n_offsets + k], end = starts[b * n_offsets + k + 1];
      multiply(x, w + k * c_in * c_out, out, source + begin, target + begin, end - begin, c_in, c_out);
    }
  });
}

// w[k] (c_in, c_out) = sum over pairs of offset k of the outer product of x[source] and g[target].
void nuforge_weight_gradient(const float* x, const float* g, float* w, const int32_t* source, const int32_t* target,
                             const int64_t* starts, int64_t n_offsets, int64_t n_out, int64_t block, int64_t c_in,
                             int64_t c_out, int threads) {
  const Pairs pairs{source, target, starts, n_offsets, n_out, block};
  if (pairs.count() * c_in * c_out < WORTH_A_THREAD) threads = 1;
  const int64_t groups = threads > 1 ? std::min<int64_t>(n_offsets, 4 * threads) : 1;  // of offsets
  in_parallel(groups, threads, [&](int64_t group) {
    const int64_t first = group * n_offsets / groups, last = (group + 1) * n_offsets / groups;
    std::memset(w + first * c_in * c_out, 0, sizeof(float) * (last - first) * c_in * c_out);
    for (int64_t b = 0; b < pairs.blocks(); ++b)  // the rows of a block stay in the cache for all offsets
      for (int64_t k = first; k < last; ++k) {
        const int64_t end = starts[b * n_offsets + k + 1];
        for (int64_t i = starts[b * n_offsets + k]; i < end; i += PAIRS_AT_ONCE)
          outer_products(x, g, w + k * c_in * c_out, source + i, target + i, std::min(PAIRS_AT_ONCE, end - i), c_in,
                         c_out);
      }
  });
}
}
