// Four-momenta in MeV and double precision, as in `simulation/four_momenta.py`.

#pragma once

#include "arithmetic.h"

namespace nuforge {

using Momentum = VectorOf<double>;

struct FourMomentum {
  double energy;
  Momentum vector;

  static FourMomentum of(Momentum vector, double mass) {
    return {std::sqrt(dot(vector, vector) + mass * mass), vector};
  }
  static FourMomentum at_rest(double mass) { return {mass, {0.0, 0.0, 0.0}}; }

  double mass_squared() const { return energy * energy - dot(vector, vector); }
  double mass() const { return std::sqrt(std::fmax(mass_squared(), 0.0)); }

  // Without the loss of digits of E - m.
  double kinetic(double mass) const { return dot(vector, vector) / (energy + mass); }

  // The frame that undoes a boost.
  FourMomentum reversed() const { return {energy, vector * -1.0}; }

  // What is given where `frame` is at rest, as seen where `frame` is what it says.
  FourMomentum boosted(const FourMomentum& frame) const {
    const double mass = std::sqrt(std::fmax(frame.mass_squared(), 1e-12)), along = dot(vector, frame.vector);
    const double factor = (along / (frame.energy + mass) + energy) / mass;
    return {(frame.energy * energy + along) / mass, vector + frame.vector * factor};
  }
};

inline FourMomentum operator+(const FourMomentum& a, const FourMomentum& b) {
  return {a.energy + b.energy, a.vector + b.vector};
}
inline FourMomentum operator-(const FourMomentum& a, const FourMomentum& b) {
  return {a.energy - b.energy, a.vector - b.vector};
}

inline Momentum unit(Momentum vector) { return vector * (1.0 / std::fmax(size(vector), 1e-9)); }

// Of two bodies in the frame of their centre, 0 below threshold.
inline double two_body_momentum(double total, double first, double second) {
  const double sum = first + second, difference = first - second;
  const double gap = (total * total - sum * sum) * (total * total - difference * difference);
  return std::sqrt(std::fmax(gap, 0.0)) / (2.0 * total);
}

struct TwoBodies {
  FourMomentum first, second;
};

// The bodies that a system goes to, the first along `direction` in the frame of the centre.
inline TwoBodies two_bodies(const FourMomentum& frame, double first, double second, Momentum direction) {
  const double total = std::sqrt(std::fmax(frame.mass_squared(), 1e-12));
  const Momentum vector = direction * two_body_momentum(total, first, second);
  return {FourMomentum::of(vector, first).boosted(frame), FourMomentum::of(vector * -1.0, second).boosted(frame)};
}

}  // namespace nuforge
