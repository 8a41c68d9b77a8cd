// The tables of a material and the box that it fills. `kernel/layout.py` mirrors these structures.

#pragma once

#include <cstdint>

#include "arithmetic.h"

namespace nuforge {

// Columns of the tables, as in `transport/medium.py`.
enum Charged { kLoss, kSlope, kRange, kKnock, kRadiate, kDecay, kNuclear, kScale, kTransfer, kStrength, kScreening };
constexpr int kChargedColumns = kScreening + 1;
enum PhotonProcess { kPair, kCompton, kPhoto, kRayleigh };
constexpr int kPhotonColumns = kRayleigh + 1;

enum Species : int64_t { kNucleus = -3, kNeutral, kPhoton, kElectron, kPositron, kProton = 5 };

// Kinds of interaction with each element, columns of the nuclear table.
enum Meeting { kElastic, kInelastic, kCapture, kMeetings };

// A place between two of n points: the lower one, and the fraction on the way to the next.
struct Place {
  int64_t below;
  float on;
};

inline Place place(float x, int64_t points) {
  x = between(x, 0.0f, static_cast<float>(points) - 1.001f);
  const auto below = static_cast<int64_t>(x);
  return {below, x - static_cast<float>(below)};
}

inline float blended(float low, float high, float on) { return low + on * (high - low); }

// Values on an even grid in the logarithm of the energy, `rows` of `columns` numbers.
struct Grid {
  const float* values;
  int64_t rows, columns;
  float lowest, per_unit;

  // `count` columns at an energy, of the table of `block`.
  template <int count>
  void at(float log_energy, int64_t block, float* out) const {
    const Place row = place((log_energy - lowest) * per_unit, rows);
    const float* low = values + (block * rows + row.below) * count;
    for (int q = 0; q < count; ++q) out[q] = blended(low[q], low[q + count], row.on);
  }

  // One column of any number of them.
  float column(float log_energy, int64_t q) const {
    const Place row = place((log_energy - lowest) * per_unit, rows);
    const float* low = values + row.below * columns + q;
    return blended(low[0], low[columns], row.on);
  }

  float bilinear(float log_energy, float y) const {
    const Place row = place((log_energy - lowest) * per_unit, rows), at = place(y, columns);
    const float* low = values + row.below * columns + at.below;
    const float* high = low + columns;
    return blended(blended(low[0], low[1], at.on), blended(high[0], high[1], at.on), row.on);
  }

  // The variable of a spectrum at a uniform number.
  float draw(float log_energy, float uniform) const {
    return bilinear(log_energy, uniform * (static_cast<float>(columns) - 1.001f));
  }
};

// A nucleus, and the two exponentials (height, slope in 1/GeV^2) of its elastic scattering by what is not a pion, by
// fast pions, by slow ones.
struct Element {
  double z, a, mass;
  double heights_and_slopes[3][4];
};

struct Medium {
  Grid charged, photons, knock, knock_positron, radiated, pair, compton, rayleigh, photoelectron, fluorescence,
      annihilation, fluctuation, nuclear;
  const float* masses;         // of the species
  const float* lines;          // of the K shell, as many as `fluorescence` has columns
  const float* nuclei;         // share and radius over hbar c, of each element
  const Element* elements;
  const int64_t* hadrons;       // PDG numbers of the blocks of `nuclear`
  const double* hadron_masses;  // of these
  int64_t n_lines, n_nuclei, n_elements, n_hadrons;
  float lowest_normal, per_normal;  // columns of `fluctuation`
  float threshold, photon_threshold, absorbed, coherent_scale, electron_share;
  float longest, shortest, fraction_of_range, hard_scatters;  // of steps
  float lower[3], upper[3];    // of the box
  double speed_of_light, long_kaon_lifetime, thermal, least_recoil, pion_split;

  float electron_mass() const { return masses[kElectron]; }

  // Standardised loss at kappa, drawn by a unit normal.
  float fluctuate(float kappa, float normal) const {
    return fluctuation.bilinear(logarithm(kappa), (normal - lowest_normal) * per_normal);
  }

  // Along a unit vector to the wall, 0 outside.
  float distance(Vector x, Vector d) const {
    const float to_x = ahead(x.x, d.x, 0), to_y = ahead(x.y, d.y, 1), to_z = ahead(x.z, d.z, 2);
    return maximum(minimum(minimum(to_x, to_y), to_z), 0.0f);
  }

  Vector inside(Vector x) const {
    return {between(x.x, lower[0], upper[0]), between(x.y, lower[1], upper[1]), between(x.z, lower[2], upper[2])};
  }

 private:
  float ahead(float x, float d, int axis) const {
    return (d > 0.0f ? upper[axis] - x : x - lower[axis]) / maximum(std::fabs(d), 1e-9f);
  }
};

}  // namespace nuforge
