// The tables of a material and the box that it fills. `kernel/layout.py` mirrors these structures.

#pragma once

#include <cstdint>

#include "nucleus.h"

namespace nuforge {

// Columns of the tables, as in `transport/medium.py`.
enum Charged { kLoss, kSlope, kRange, kKnock, kRadiate, kDecay, kNuclear, kScale, kTransfer, kStrength, kScreening };
constexpr int kChargedColumns = kScreening + 1;
enum PhotonProcess { kPair, kCompton, kPhoto, kRayleigh };
constexpr int kPhotonColumns = kRayleigh + 1;

// What particles do next: rows of the tables of charged particles, or below.
enum Species : int64_t { kNeutrino = -5, kNucleus, kShortLived, kNeutral, kPhoton, kElectron, kPositron, kProton = 5 };

constexpr int64_t kNuclei = 1000000000;  // PDG numbers of nuclei begin

// Kinds of interaction with each element, columns of the nuclear table.
enum Meeting { kElastic, kInelastic, kCapture, kMeetings };

// What is known of the particles of a PDG number.
struct Kind {
  int64_t pdg, species;
  double mass, lifetime;     // MeV; ns, 0 where it is stable or decays at once
  int64_t hadron;            // row of its rates with nuclei, -1 for none
  int64_t captured;          // whether a nucleus takes it in at rest
  int64_t decays, n_decays;  // rows of channels
};

// A channel of decay: chance of this and those before, products and their antiparticles.
struct Decay {
  double chance;
  int64_t n, pdg[3], anti[3];
};

// A nucleus of the material.
struct Element {
  nucleus::Nucleus nucleus;
  double muon_capture;              // per ns
  double stopping;                  // chance that a negative particle stops at this or an earlier element
  double heights_and_slopes[3][4];  // of elastic scatters (1/GeV^2): of what is no pion, of fast pions, of slow ones
};

struct Medium {
  Grid charged, photons, knock, knock_positron, radiated, pair, compton, rayleigh, photoelectron, fluorescence,
      annihilation, fluctuation, nuclear;
  const float* masses;  // of the species
  const float* lines;   // of the K shell, as many as `fluorescence` has columns
  const float* nuclei;  // share and radius over hbar c, of each element
  const Element* elements;
  const Kind* kinds;  // photon, electron, positron, and others
  const Decay* decays;
  const nucleus::NuclearModel* model;
  int64_t n_lines, n_nuclei, n_elements, n_kinds;
  float lowest_normal, per_normal;  // columns of `fluctuation`
  float threshold, photon_threshold, absorbed, coherent_scale, electron_share;
  float longest, shortest, fraction_of_range, hard_scatters;  // of steps
  float lower[3], upper[3];    // of the box
  double speed_of_light, thermal, least_recoil, pion_split, atomic_mass;

  float electron_mass() const { return masses[kElectron]; }

  const Kind& photon() const { return kinds[0]; }
  const Kind& electron() const { return kinds[1]; }
  const Kind& positron() const { return kinds[2]; }

  // Of a PDG number, which is known.
  Kind kind(int64_t pdg) const {
    if (pdg >= kNuclei) return {pdg, kNucleus, model->mass(pdg / 10000 % 1000, pdg / 10 % 1000), 0.0, -1, 0, 0, 0};
    const Kind* known = kinds;
    while (known < kinds + n_kinds - 1 && known->pdg != pdg) ++known;
    return *known;
  }

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
