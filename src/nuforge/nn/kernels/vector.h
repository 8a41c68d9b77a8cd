// Vectors of single-precision channels, as wide as the instruction set has registers for.

#pragma once

#include <cstdint>

namespace nuforge {

#ifdef __AVX512F__
constexpr int WIDEST = 16;     // channels in a register
constexpr int REGISTERS = 32;
#else
constexpr int WIDEST = 8;
constexpr int REGISTERS = 16;
#endif

template <int LANES>
struct Lanes {
  typedef float Vector __attribute__((vector_size(LANES * 4), aligned(4)));
};

template <int LANES>
using Vector = typename Lanes<LANES>::Vector;

template <int LANES>
inline Vector<LANES> load(const float* from) {
  return *reinterpret_cast<const Vector<LANES>*>(from);
}

template <int LANES>
inline void store(float* to, const Vector<LANES>& value) {
  *reinterpret_cast<Vector<LANES>*>(to) = value;
}

}  // namespace nuforge
