// Logarithm, exponential, sine and cosine, and vectors, in single precision.
//
// They are polynomials (Cephes, S. Moshier, to about one unit of the last digit) and not the C library's, whose last
// digits depend on the machine: the same seed gives the same events everywhere, compiled without contracted products.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace nuforge {

inline float minimum(float a, float b) { return a < b ? a : b; }
inline float maximum(float a, float b) { return a > b ? a : b; }
inline float between(float x, float low, float high) { return minimum(maximum(x, low), high); }

// Natural logarithm of a normal number above 0.
inline float logarithm(float x) {
  constexpr uint32_t kRootOfHalf = 0x3f3504f3;
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  bits -= kRootOfHalf;
  const float exponent = static_cast<float>(static_cast<int32_t>(bits) >> 23);
  bits = (bits & 0x007fffff) + kRootOfHalf;
  float f;
  std::memcpy(&f, &bits, 4);
  f -= 1.0f;
  const float z = f * f;
  float y = 7.0376836292e-2f;
  y = y * f - 1.1514610310e-1f;
  y = y * f + 1.1676998740e-1f;
  y = y * f - 1.2420140846e-1f;
  y = y * f + 1.4249322787e-1f;
  y = y * f - 1.6668057665e-1f;
  y = y * f + 2.0000714765e-1f;
  y = y * f - 2.4999993993e-1f;
  y = y * f + 3.3333331174e-1f;
  y = y * f * z - 2.12194440e-4f * exponent - 0.5f * z;
  return f + y + 0.693359375f * exponent;
}

// e^x for |x| < 87.
inline float exponential(float x) {
  const float turns = x * 1.44269504088896341f;
  const int32_t n = static_cast<int32_t>(turns + (turns < 0.0f ? -0.5f : 0.5f));
  const float whole = static_cast<float>(n);
  x = x - whole * 0.693359375f + whole * 2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * x + 1.3981999507e-3f;
  y = y * x + 8.3334519073e-3f;
  y = y * x + 4.1665795894e-2f;
  y = y * x + 1.6666665459e-1f;
  y = y * x + 5.0000001201e-1f;
  y = y * x * x + x + 1.0f;
  const int32_t bits = (n + 127) << 23;
  float power;
  std::memcpy(&power, &bits, 4);
  return y * power;
}

struct Circle {
  float sine, cosine;
};

// Sine and cosine of 2 pi `turns`, 0 <= turns <= 1.
inline Circle circle(float turns) {
  const int32_t quarter = static_cast<int32_t>(4.0f * turns + 0.5f);
  const float r = (turns - 0.25f * static_cast<float>(quarter)) * 6.283185307179586f;
  const float z = r * r;
  const float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
  const float c =
      ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
  const bool swapped = quarter & 1;
  const float sine = swapped ? c : s, cosine = swapped ? s : c;
  return {quarter & 2 ? -sine : sine, (quarter + 1) & 2 ? -cosine : cosine};
}

// 1 - e^-x of x above 0.
inline float fall(float x) {
  if (x < 0.01f) return x * (1.0f - x * (0.5f - x * (1.0f / 6.0f)));
  return 1.0f - exponential(-minimum(x, 80.0f));
}

// -ln(1 - y).
inline float rise(float y) {
  if (y < 0.01f) return y * (1.0f + y * (0.5f + y * (1.0f / 3.0f)));
  return -logarithm(1.0f - y);
}

// x^(1/3) of a normal number above 0.
inline float cube_root(float x) { return exponential(logarithm(x) * (1.0f / 3.0f)); }

// Angle in turns, from -1/4 to 1/4, of a tangent.
inline float arctangent(float x) {
  float size = std::fabs(x), turns = 0.0f;
  if (size > 2.414213562373095f) {
    size = -1.0f / size;
    turns = 0.25f;
  } else if (size > 0.4142135623730950f) {
    size = (size - 1.0f) / (size + 1.0f);
    turns = 0.125f;
  }
  const float z = size * size;
  float y = 8.05374449538e-2f;
  y = y * z - 1.38776856032e-1f;
  y = y * z + 1.99777106478e-1f;
  y = y * z - 3.33329491539e-1f;
  turns += (y * z * size + size) * 0.15915494309189535f;
  return x < 0.0f ? -turns : turns;
}

template <typename Number>
struct VectorOf {
  Number x, y, z;
};

using Vector = VectorOf<float>;

template <typename N>
inline VectorOf<N> operator+(VectorOf<N> a, VectorOf<N> b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <typename N>
inline VectorOf<N> operator-(VectorOf<N> a, VectorOf<N> b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
template <typename N>
inline VectorOf<N> operator*(VectorOf<N> a, N s) {
  return {a.x * s, a.y * s, a.z * s};
}
template <typename N>
inline N dot(VectorOf<N> a, VectorOf<N> b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <typename N>
inline N size(VectorOf<N> a) {
  return std::sqrt(dot(a, a));
}

// A unit vector at an angle to `direction` whose sin^2(theta / 2) is mu, at an azimuth in turns: `directions.turned`.
template <typename N>
inline VectorOf<N> turned(VectorOf<N> direction, N mu, float azimuth) {
  const N x = direction.x, y = direction.y, z = direction.z;
  const N one = 1, sign = z < 0 ? -one : one;
  const N a = -one / (sign + z), b = x * y * a;
  const N sine = 2 * std::sqrt(mu * (one - mu)), cosine = one - 2 * mu;
  const Circle about = circle(azimuth);
  const N u = sine * about.cosine, v = sine * about.sine;
  const VectorOf<N> out{u * (one + sign * x * x * a) + v * b + cosine * x,
                        u * sign * b + v * (sign + y * y * a) + cosine * y, cosine * z - u * sign * x - v * y};
  const N length = size(out);
  return out * (one / (length > N(1e-12) ? length : N(1e-12)));  // what is at rest has no direction
}

// The unit vector at a polar angle, its cosine, and an azimuth in turns about z.
template <typename N>
inline VectorOf<N> polar(N cosine, float azimuth) {
  const N sine = std::sqrt(1 - cosine * cosine);
  const Circle about = circle(azimuth);
  const VectorOf<N> out{sine * about.cosine, sine * about.sine, cosine};
  return out * (1 / size(out));
}

// The direction of what is left of a momentum along `direction` when `taken`, a unit vector, takes its part.
inline Vector remaining(Vector direction, float momentum, Vector taken, float taken_momentum) {
  const Vector rest = direction * momentum - taken * taken_momentum;
  const float length = size(rest);
  return length > 1e-6f ? rest * (1.0f / length) : direction;
}

// sin^2(angle / 2) of an angle in rad, those beyond pi taken as pi.
inline float sine_squared(float angle) {
  const float half = circle(minimum(angle * 0.0795774715459f, 0.25f)).sine;
  return half * half;
}

}  // namespace nuforge
