// Batch norm over rows with leaky ReLU on a CPU, with its gradients.
//
// Sums over rows are made in blocks, and the blocks are added in order and in double precision: the same bytes for any
// number of threads. Squares are of distances from the mean of the block, so that a large mean costs no precision.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "crew.h"
#include "vector.h"

namespace {

using namespace nuforge;

constexpr int64_t BLOCK = 256;               // rows that are summed together: they stay in the cache
constexpr int64_t WORTH_A_THREAD = 1 << 16;  // numbers below which one thread is faster than two
constexpr int AT_ONCE = 4;                   // sums of a vector that do not wait for each other

// work(lanes, channel) for each vector of channels.
template <class Work>
inline void by_vectors(int64_t channels, const Work& work) {
  int64_t c = 0;
  for (; c + WIDEST <= channels; c += WIDEST) work(std::integral_constant<int, WIDEST>{}, c);
  for (; c < channels; c += 8) work(std::integral_constant<int, 8>{}, c);
}

// Sum of term(i) for i from first to last - 1.
template <int LANES, class Term>
inline Vector<LANES> sum_of(int64_t first, int64_t last, const Term& term) {
  Vector<LANES> sum[AT_ONCE] = {};
  int64_t i = first;
  for (; i + AT_ONCE <= last; i += AT_ONCE)
    for (int t = 0; t < AT_ONCE; ++t) sum[t] += term(i + t);
  for (; i < last; ++i) sum[0] += term(i);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Rows of channels, cut into blocks.
struct Rows {
  int64_t n, channels;
  int threads;

  Rows(int64_t n, int64_t channels, int wanted)
      : n(n), channels(channels), threads(n * channels < WORTH_A_THREAD ? 1 : wanted) {}

  int64_t blocks() const { return (n + BLOCK - 1) / BLOCK; }

  // work(lanes, channel, block, first row, row after the last), for each vector of channels of each block.
  template <class Work>
  void each(const Work& work) const {
    in_parallel(blocks(), threads, [&](int64_t b) {
      by_vectors(channels, [&](auto lanes, int64_t c) { work(lanes, c, b, b * BLOCK, std::min(n, (b + 1) * BLOCK)); });
    });
  }
};

// What is done to a vector of channels: value * scale + shift, and below zero times the slope.
template <int LANES>
struct Activation {
  using V = Vector<LANES>;
  V scale, shift;
  float slope;

  Activation(const float* weight, const float* bias, const float* mean, const float* inverse, float slope)
      : scale(load<LANES>(weight) * load<LANES>(inverse)),
        shift(load<LANES>(bias) - load<LANES>(mean) * scale),
        slope(slope) {}

  V operator()(const V& x) const {
    const V z = x * scale + shift;
    return z > 0 ? z : z * slope;
  }

  // The gradient before the leaky ReLU, of the one after it.
  V back(const V& x, const V& gradient) const { return x * scale + shift > 0 ? gradient : gradient * slope; }
};

// Mean of each channel, and the sum of squared distances from it.
void moments(const float* x, const Rows& rows, std::vector<double>& mean, std::vector<double>& squares) {
  const int64_t channels = rows.channels;
  std::vector<float> means(rows.blocks() * channels), spreads(means.size());
  rows.each([&](auto lanes, int64_t c, int64_t b, int64_t first, int64_t last) {
    constexpr int LANES = decltype(lanes)::value;
    using V = Vector<LANES>;
    const auto at = [&](int64_t i) { return load<LANES>(x + i * channels + c); };
    const V middle = sum_of<LANES>(first, last, at) / static_cast<float>(last - first);
    store<LANES>(&means[b * channels + c], middle);
    store<LANES>(&spreads[b * channels + c], sum_of<LANES>(first, last, [&](int64_t i) {
      const V distance = at(i) - middle;
      return distance * distance;
    }));
  });
  for (int64_t b = 0; b < rows.blocks(); ++b) {
    const double before = static_cast<double>(b * BLOCK);
    const double more = static_cast<double>(std::min(BLOCK, rows.n - b * BLOCK));
    for (int64_t c = 0; c < channels; ++c) {
      const double step = means[b * channels + c] - mean[c];
      mean[c] += step * more / (before + more);
      squares[c] += spreads[b * channels + c] + step * step * before * more / (before + more);
    }
  }
}

}  // namespace

extern "C" {

// y (n, channels) = leaky ReLU of the normalised x; channels is a multiple of 8. With `learn` mean and inverse spread
// (channels) are those of x, and the running ones move towards them; else they are the running ones.
void nuforge_norm(const float* x, const float* weight, const float* bias, float* running_mean, float* running_variance,
                  float* mean, float* inverse, float* y, int64_t n, int64_t channels, int learn, double momentum,
                  double eps, double slope, int threads) {
  const Rows rows(n, channels, threads);
  if (learn) {
    std::vector<double> middle(channels), squares(channels);
    moments(x, rows, middle, squares);
    for (int64_t c = 0; c < channels; ++c) {
      mean[c] = static_cast<float>(middle[c]);
      inverse[c] = static_cast<float>(1 / std::sqrt(squares[c] / n + eps));
      running_mean[c] = static_cast<float>((1 - momentum) * running_mean[c] + momentum * middle[c]);
      running_variance[c] =
          static_cast<float>((1 - momentum) * running_variance[c] + momentum * squares[c] / (n - 1));
    }
  } else {
    for (int64_t c = 0; c < channels; ++c) {
      mean[c] = running_mean[c];
      inverse[c] = static_cast<float>(1 / std::sqrt(running_variance[c] + eps));
    }
  }
  rows.each([&](auto lanes, int64_t c, int64_t, int64_t first, int64_t last) {
    constexpr int LANES = decltype(lanes)::value;
    const Activation<LANES> activated(weight + c, bias + c, mean + c, inverse + c, static_cast<float>(slope));
    for (int64_t i = first; i < last; ++i)
      store<LANES>(y + i * channels + c, activated(load<LANES>(x + i * channels + c)));
  });
}

// Gradients of x (n, channels), weight and bias, of the gradient g of y. With `learn` mean and spread move with x.
void nuforge_norm_gradients(const float* x, const float* g, const float* weight, const float* bias, const float* mean,
                            const float* inverse, float* to_x, float* to_weight, float* to_bias, int64_t n,
                            int64_t channels, int learn, double slope, int threads) {
  const Rows rows(n, channels, threads);
  std::vector<float> sums(rows.blocks() * channels), products(sums.size());
  rows.each([&](auto lanes, int64_t c, int64_t b, int64_t first, int64_t last) {
    constexpr int LANES = decltype(lanes)::value;
    const Activation<LANES> activated(weight + c, bias + c, mean + c, inverse + c, static_cast<float>(slope));
    const Vector<LANES> middle = load<LANES>(mean + c);
    const auto at = [&](const float* of, int64_t i) { return load<LANES>(of + i * channels + c); };
    const auto term = [&](int64_t i) { return activated.back(at(x, i), at(g, i)); };
    store<LANES>(&sums[b * channels + c], sum_of<LANES>(first, last, term));
    store<LANES>(&products[b * channels + c],
                 sum_of<LANES>(first, last, [&](int64_t i) { return term(i) * (at(x, i) - middle); }));
  });
  std::vector<float> constant(channels), slant(channels);  // what mean and spread take off, per channel
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, product = 0;
    for (int64_t b = 0; b < rows.blocks(); ++b) {
      sum += sums[b * channels + c];
      product += products[b * channels + c];
    }
    to_bias[c] = static_cast<float>(sum);
    to_weight[c] = static_cast<float>(product * inverse[c]);
    if (learn) {
      constant[c] = static_cast<float>(sum / n);
      slant[c] = static_cast<float>(product / n * inverse[c] * inverse[c]);
    }
  }
  rows.each([&](auto lanes, int64_t c, int64_t, int64_t first, int64_t last) {
    constexpr int LANES = decltype(lanes)::value;
    using V = Vector<LANES>;
    const Activation<LANES> activated(weight + c, bias + c, mean + c, inverse + c, static_cast<float>(slope));
    const V middle = load<LANES>(mean + c), less = load<LANES>(&constant[c]), tilt = load<LANES>(&slant[c]);
    for (int64_t i = first; i < last; ++i) {
      const V value = load<LANES>(x + i * channels + c);
      const V back = activated.back(value, load<LANES>(g + i * channels + c));
      store<LANES>(to_x + i * channels + c, activated.scale * (back - less - (value - middle) * tilt));
    }
  });
}
}
