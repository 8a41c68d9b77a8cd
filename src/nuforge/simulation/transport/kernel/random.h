// Random numbers of one particle: xoshiro256++ (Blackman and Vigna, ACM Trans. Math. Softw. 47 (2021) 36), its state
// from a key by splitmix64.

#pragma once

#include <cstdint>

#include "arithmetic.h"

namespace nuforge {

// The next of a sequence of well mixed numbers (splitmix64).
inline uint64_t mixed(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Two numbers in (0, 1), of 23 bits each.
struct Pair {
  float first, second;
};

class Random {
 public:
  Random() : Random(0) {}
  explicit Random(uint64_t key) {
    for (uint64_t& word : state_) word = mixed(key);
  }

  uint64_t bits() {
    uint64_t* s = state_;
    const uint64_t out = rotated(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return out;
  }

  Pair uniforms() {
    const uint64_t out = bits();
    return {fraction(static_cast<uint32_t>(out >> 32)), fraction(static_cast<uint32_t>(out))};
  }

  // A number in (0, 1) of 52 bits.
  double uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }

  // A unit vector without a preferred direction.
  template <typename Number>
  VectorOf<Number> direction() {
    const Pair uniform = uniforms();
    return polar<Number>(2 * static_cast<Number>(uniform.first) - 1, uniform.second);
  }

  // A number of the exponential distribution of mean 1, up to 44.
  float exponential() {
    const auto out = static_cast<int64_t>(bits() >> 1 | 1);
    return -logarithm(static_cast<float>(out) * 0x1p-63f);
  }

  // A unit normal number: Box and Muller, of whose two the second waits.
  float normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const float radius = std::sqrt(2.0f * exponential());
    const Circle about = circle(uniforms().first);
    spare_ = radius * about.sine;
    has_spare_ = true;
    return radius * about.cosine;
  }

 private:
  static uint64_t rotated(uint64_t x, int k) { return x << k | x >> (64 - k); }
  static float fraction(uint32_t bits) { return static_cast<float>(bits >> 9 << 1 | 1) * 0x1p-24f; }

  uint64_t state_[4];
  float spare_ = 0.0f;
  bool has_spare_ = false;
};

}  // namespace nuforge
