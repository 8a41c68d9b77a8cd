// Sparse convolution on a CPU: gather, multiply and add in registers.
//
// The pairs of a kernel map come sorted by offset, then output row; under one offset every row occurs once, and the
// input rows rise with the output rows. A thread owns a range of output rows, so sums are made in the same order with
// any number of threads. Channels of the output come in vectors of LANES.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr int64_t BLOCK = 512;         // output rows that are finished together: they stay in the cache
constexpr int64_t WORTH_A_THREAD = 1 << 20;  // multiplications below which one thread is faster than two

template <int LANES>
struct Lanes {
  typedef float Vector __attribute__((vector_size(LANES * 4), aligned(4)));
};

template <int LANES>
using Vector = typename Lanes<LANES>::Vector;

// Threads that wait for work, made once: to make them for each call would take longer than small calls.
class Crew {
 public:
  explicit Crew(int others) : process_(getpid()) {
    for (int t = 0; t < others; ++t) std::thread([this] { serve(); }).detach();
  }

  // The crew of this process: a forked child has none of its parent's threads.
  static Crew& of(int others) {
    static std::mutex making;
    static Crew* crew = nullptr;
    static int size = 0;
    std::lock_guard<std::mutex> lock(making);
    if (crew == nullptr || crew->process_ != getpid() || size < others) {
      crew = new Crew(others);  // an outgrown crew sleeps on: it may be needed by no one, and costs nothing
      size = others;
    }
    return *crew;
  }

  void run(int others, const std::function<void()>& work) {
    std::lock_guard<std::mutex> alone(calling_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      open_ = others;
      busy_ = 0;
      ++call_;
    }
    begin_.notify_all();
    work();
    std::unique_lock<std::mutex> lock(mutex_);
    open_ = 0;
    end_.wait(lock, [this] { return busy_ == 0; });
    work_ = nullptr;
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (uint64_t seen = 0;;) {
      begin_.wait(lock, [&] { return call_ != seen && open_ > 0; });
      seen = call_;
      --open_;
      ++busy_;
      const std::function<void()>* work = work_;
      lock.unlock();
      (*work)();
      lock.lock();
      if (--busy_ == 0) end_.notify_one();
    }
  }

  const pid_t process_;
  std::mutex calling_, mutex_;
  std::condition_variable begin_, end_;
  const std::function<void()>* work_ = nullptr;
  int open_ = 0, busy_ = 0;
  uint64_t call_ = 0;
};

template <class Work>
void in_parallel(int64_t n, int threads, const Work& work) {
  threads = static_cast<int>(std::min<int64_t>(threads, n));
  if (threads <= 1) {
    for (int64_t i = 0; i < n; ++i) work(i);
    return;
  }
  std::atomic<int64_t> next{0};
  Crew::of(threads - 1).run(threads - 1, [&] {
    for (int64_t i = next++; i < n; i = next++) work(i);
  });
}

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
    for (int p = 0; p < PANEL; ++p) sum[t][p] = *reinterpret_cast<const V*>(out + target[t] * c_out + p * LANES);
  }
  for (int64_t c = 0; c < c_in; ++c) {
    V weight[PANEL];
#pragma GCC unroll 4
    for (int p = 0; p < PANEL; ++p) weight[p] = *reinterpret_cast<const V*>(w + c * c_out + p * LANES);
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
    for (int p = 0; p < PANEL; ++p) *reinterpret_cast<V*>(out + target[t] * c_out + p * LANES) = sum[t][p];
}

template <int LANES, int PANEL>
void panel(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target, int64_t n,
           int64_t c_in, int64_t c_out) {
  constexpr int TILE = PANEL == 1 ? 12 : PANEL == 2 ? 10 : PANEL == 3 ? 8 : 6;
  int64_t i = 0;
  for (; i + TILE <= n; i += TILE) tile<LANES, PANEL, TILE>(x, w, out, source + i, target + i, c_in, c_out);
  for (; i + 4 <= n; i += 4) tile<LANES, PANEL, 4>(x, w, out, source + i, target + i, c_in, c_out);
  for (; i < n; ++i) tile<LANES, PANEL, 1>(x, w, out, source + i, target + i, c_in, c_out);
}

// How many vectors of channels to take next, of those that are left: 5 are better taken as 3 and 2 than as 4 and 1.
inline int next_panel(int64_t left) { return left == 5 ? 3 : static_cast<int>(std::min<int64_t>(left, 4)); }

template <int LANES>
void multiply(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target, int64_t n,
              int64_t c_in, int64_t c_out) {
  for (int64_t v = 0; v < c_out / LANES;) {
    const int p = next_panel(c_out / LANES - v);
    const float* w_p = w + v * LANES;
    float* out_p = out + v * LANES;
    switch (p) {
      case 1: panel<LANES, 1>(x, w_p, out_p, source, target, n, c_in, c_out); break;
      case 2: panel<LANES, 2>(x, w_p, out_p, source, target, n, c_in, c_out); break;
      case 3: panel<LANES, 3>(x, w_p, out_p, source, target, n, c_in, c_out); break;
      default: panel<LANES, 4>(x, w_p, out_p, source, target, n, c_in, c_out);
    }
    v += p;
  }
}

template <int LANES>
void convolve(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target,
              const int64_t* starts, int64_t n_offsets, int64_t c_in, int64_t c_out, int64_t n_out, int threads) {
  const int64_t blocks = (n_out + BLOCK - 1) / BLOCK;
  if (starts[n_offsets] * c_in * c_out < WORTH_A_THREAD) threads = 1;
  in_parallel(blocks, threads, [&](int64_t b) {
    const int64_t first = b * BLOCK, last = std::min(n_out, first + BLOCK);
    std::memset(out + first * c_out, 0, sizeof(float) * (last - first) * c_out);
    for (int64_t k = 0; k < n_offsets; ++k) {
      const int32_t *begin = target + starts[k], *end = target + starts[k + 1];
      const int32_t* low = std::lower_bound(begin, end, static_cast<int32_t>(first));
      const int32_t* high = std::lower_bound(low, end, static_cast<int32_t>(last));
      multiply<LANES>(x, w + k * c_in * c_out, out, source + (low - target), low, high - low, c_in, c_out);
    }
  });
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
    for (int p = 0; p < PANEL; ++p) gradient[p] = *reinterpret_cast<const V*>(g + target[i] * c_out + p * LANES);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 4
      for (int p = 0; p < PANEL; ++p) sum[r][p] += row[r] * gradient[p];
  }
  for (int r = 0; r < ROWS; ++r)
    for (int p = 0; p < PANEL; ++p) *reinterpret_cast<V*>(w + r * c_out + p * LANES) += sum[r][p];
}

constexpr int64_t ROWS_AT_ONCE = 8;
constexpr int64_t PAIRS_AT_ONCE = 128;  // their rows stay in the cache, and short sums keep single precision

template <int LANES, int ROWS>
void outer_panel(int p, const float* x, const float* g, float* w, const int32_t* source, const int32_t* target,
                 int64_t n, int64_t c_in, int64_t c_out) {
  switch (p) {
    case 1: outer<LANES, 1, ROWS>(x, g, w, source, target, n, c_in, c_out); break;
    case 2: outer<LANES, 2, ROWS>(x, g, w, source, target, n, c_in, c_out); break;
    default: outer<LANES, 3, ROWS>(x, g, w, source, target, n, c_in, c_out);
  }
}

template <int LANES>
void weight_gradient(const float* x, const float* g, float* w, const int32_t* source, const int32_t* target,
                     const int64_t* starts, int64_t n_offsets, int64_t c_in, int64_t c_out, int threads) {
  if (starts[n_offsets] * c_in * c_out < WORTH_A_THREAD) threads = 1;
  const int64_t share = ROWS_AT_ONCE * std::max<int64_t>(1, c_in / (2 * ROWS_AT_ONCE));  // input channels of a task
  const int64_t shares = (c_in + share - 1) / share;
  in_parallel(n_offsets * shares, threads, [&](int64_t task) {
    const int64_t k = task / shares, first = task % shares * share, last = std::min(c_in, first + share);
    float* w_k = w + k * c_in * c_out;
    std::memset(w_k + first * c_out, 0, sizeof(float) * (last - first) * c_out);
    for (int64_t i = starts[k]; i < starts[k + 1]; i += PAIRS_AT_ONCE) {
      const int64_t n = std::min(PAIRS_AT_ONCE, starts[k + 1] - i);
      for (int64_t r = first; r < last;) {
        const bool many = last - r >= ROWS_AT_ONCE;
        for (int64_t v = 0; v < c_out / LANES;) {
          const int64_t left = c_out / LANES - v;
          const int p = left == 4 ? 2 : static_cast<int>(std::min<int64_t>(left, 3));
          auto part = many ? outer_panel<LANES, ROWS_AT_ONCE> : outer_panel<LANES, 1>;
          part(p, x + r, g + v * LANES, w_k + r * c_out + v * LANES, source + i, target + i, n, c_in, c_out);
          v += p;
        }
        r += many ? ROWS_AT_ONCE : 1;
      }
    }
  });
}

}  // namespace

extern "C" {

// out (n_out, c_out) = sum over offsets k and pairs of x[source] w[k]; c_out is a multiple of 8.
void nuforge_convolve(const float* x, const float* w, float* out, const int32_t* source, const int32_t* target,
                      const int64_t* starts, int64_t n_offsets, int64_t c_in, int64_t c_out, int64_t n_out,
                      int threads) {
  if (c_out % 16 == 0)
    convolve<16>(x, w, out, source, target, starts, n_offsets, c_in, c_out, n_out, threads);
  else
    convolve<8>(x, w, out, source, target, starts, n_offsets, c_in, c_out, n_out, threads);
}

// w[k] (c_in, c_out) = sum over pairs of offset k of the outer product of x[source] and g[target].
void nuforge_weight_gradient(const float* x, const float* g, float* w, const int32_t* source, const int32_t* target,
                             const int64_t* starts, int64_t n_offsets, int64_t c_in, int64_t c_out, int threads) {
  if (c_out % 16 == 0)
    weight_gradient<16>(x, g, w, source, target, starts, n_offsets, c_in, c_out, threads);
  else
    weight_gradient<8>(x, g, w, source, target, starts, n_offsets, c_in, c_out, threads);
}
}
