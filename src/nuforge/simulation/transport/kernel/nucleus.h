// Nuclei and what hadrons do to them: the numbers of `simulation/nucleus`, which says where the physics is from.
// `kernel/nuclei.py` mirrors the structures.

#pragma once

#include <vector>

#include "four_momentum.h"
#include "grid.h"
#include "random.h"

namespace nuforge::nucleus {

// As `nucleus/hadrons.py` numbers them.
enum Hadron : int64_t {
  kNobody = -1,
  kProton,
  kNeutron,
  kPiPlus,
  kPiZero,
  kPiMinus,
  kKaonPlus,
  kKaonZero,
  kKaonMinus,
  kAntiKaonZero,
  kLambda,
  kDeuteron,
  kTriton,
  kHelium3,
  kAlpha
};

inline bool is_nucleon(Hadron kind) { return kind <= kNeutron; }
inline bool is_pion(Hadron kind) { return kind >= kPiPlus && kind <= kPiMinus; }
inline bool is_light_nucleus(Hadron kind) { return kind >= kDeuteron; }
inline bool is_kaon(Hadron kind) { return kind >= kKaonPlus && kind <= kAntiKaonZero; }
inline Hadron pion_of_charge(int64_t charge) { return static_cast<Hadron>(kPiZero - charge); }
inline Hadron nucleon_of_charge(int64_t charge) { return charge > 0 ? kProton : kNeutron; }

// Columns of the table of collisions; a pair of nucleons absorbs a pion by the channel beyond.
enum Channel { kElastic, kExchange, kProduction, kHyperon, kAbsorption, kChannels };
enum Collision { kSlope = kHyperon + 1, kBackward, kCollisionColumns };

// What is at one radius of a nucleus.
struct Place {
  double density;   // nucleons per fm^3
  double fermi[2];  // momentum of protons and of neutrons
};

// A nucleus in its ground state. Lengths in fm, energies in MeV.
struct Nucleus {
  int64_t z, a;
  double mass, radius, edge;
  double separation[2], gain[2];  // energies of a proton and a neutron: of the nucleus, and of one with one more
  double lowest[2];               // kinetic energy outside below which they do not leave
  double middle_fermi;            // momentum in the middle, where both kinds fill up to one energy
  double orbits[3];               // binding energies of a muon: 1s, 2p, 3d
  const float* profile;           // density, Fermi momenta of protons and neutrons
  int64_t points;
  double per_fm;

  Place at(double r) const {
    const Point x = point_of(static_cast<float>(r * per_fm), points);
    const float* low = profile + 3 * x.below;
    return {blended(low[0], low[3], x.on), {blended(low[1], low[4], x.on), blended(low[2], low[5], x.on)}};
  }
};

// By the nucleons of what is left after a particle left: density of levels (1/MeV), gap of pairs (MeV), A^(2/3), and
// the barrier of each light nucleus for a charge of 1.
constexpr int kLight = 6;
struct Remnant {
  double level, pairing, surface, barrier[kLight];
};

// Numbers of the model, by the names that they have in Python.
struct NuclearModel {
  const double* masses;  // by protons * (most_neutrons + 1) + neutrons
  const Remnant* remnants;
  const double *hadron_masses, *light_masses, *light_weights;
  const int64_t *hadron_pdg, *charges, *baryons, *light_pdg, *light_z, *light_a;
  Grid collisions, absorption;  // by momentum
  int64_t most_protons, most_neutrons;
  double step, saturation, pairs, like_pairs, like_pairs_at_rest, in_medium, mb, slow, resonant;
  double delta_mass, delta_width;
  double least_thermal, last, least, diffuseness, effective_mass, muon_mass, little, spare;
  double pair_limit, triple_limit, quadruple_limit;
  double nucleon_mean_free_path, pion_mean_free_path, pion_absorption, charge_exchange;  // dials, 1 as measured
  int64_t most_steps, fewest, tries, draws, most_emitted, no_levels, capture_tries, neutrino;

  // Cross sections (mb) by channel, slope (1/GeV^2) and chance to go backwards, of a hadron of a momentum on a nucleon.
  void collision(Hadron kind, Hadron partner, double momentum, float* columns) const {
    collisions.at<kCollisionColumns>(log_momentum(momentum), 2 * kind + partner, columns);
  }
  float nucleon_slope(double momentum) const {  // of two of one kind
    float columns[kCollisionColumns];
    collision(kProton, kProton, momentum, columns);
    return columns[kSlope];
  }

  // Cross section (mb) of the absorption of pions by deuterons.
  float absorbed(double momentum) const { return absorption.column(log_momentum(momentum), 0); }

  double mass(int64_t z, int64_t a) const {
    const int64_t n = std::clamp<int64_t>(a - z, 0, most_neutrons);
    return masses[std::clamp<int64_t>(z, 0, most_protons) * (most_neutrons + 1) + n];
  }

 private:
  static float log_momentum(double momentum) { return logarithm(static_cast<float>(std::fmax(momentum, 1e-3))); }
};

// What is left of a nucleus in a cascade.
struct Target {
  const Nucleus& begun;
  int64_t z, a;

  explicit Target(const Nucleus& nucleus) : begun(nucleus), z(nucleus.z), a(nucleus.a) {}

  void restore() {
    z = begun.z;
    a = begun.a;
  }

  void swallow(Hadron kind, const NuclearModel& model) {
    z += model.charges[kind];
    a += model.baryons[kind];
  }

  // Depth of the potential where the Fermi momenta are those of `place`, 0 but for nucleons: Fermi energy and
  // separation energy, for who comes from outside that of the nucleus with one more.
  double depth(Hadron kind, const Place& place, bool comes, const NuclearModel& model) const {
    if (!is_nucleon(kind)) return 0.0;
    const double mass = model.hadron_masses[kind], fermi = place.fermi[kind];
    return std::sqrt(fermi * fermi + mass * mass) - mass + (comes ? begun.gain : begun.separation)[kind];
  }

  // Who has this kinetic energy outside does not leave.
  bool holds(Hadron kind, double energy) const { return energy <= (is_nucleon(kind) ? begun.lowest[kind] : -1.0); }
};

// A hadron inside, with the kinetic energy that it has outside.
struct Flyer {
  Hadron kind;
  Momentum position, direction;
  double energy;

  FourMomentum outside(const NuclearModel& model) const {
    const double mass = model.hadron_masses[kind];
    return FourMomentum::of(direction * std::sqrt(energy * (energy + 2.0 * mass)), mass);
  }
};

struct Product {
  int64_t pdg;
  FourMomentum four;
};
using Products = std::vector<Product>;

// Three hadrons at most that a collision leaves, and what the nucleus loses as their partners.
struct Outcome {
  Hadron kind[3];
  FourMomentum four[3];
  int64_t protons, nucleons;
};

// What a hadron and a nucleon become by one of the channels, and a pion and a pair of nucleons.
Outcome collide(Hadron kind, const FourMomentum& four, Hadron partner, const FourMomentum& partner_four, int channel,
                const NuclearModel& model, Random& random);
Outcome absorb(Hadron kind, const FourMomentum& four, const FourMomentum& pair, int64_t pair_charge,
               const NuclearModel& model, Random& random);
void exchanged(Hadron& kind, Hadron& partner, const NuclearModel& model);

// Momentum of a hadron where the nucleon that it meets rests.
inline double rest_frame_momentum(double root, double mass, double partner_mass) {
  return two_body_momentum(root, mass, partner_mass) * root / partner_mass;
}

// Who leaves a nucleus that a hadron comes to, and who leaves it of those that are inside.
std::vector<Flyer> first_collision(Hadron kind, double energy, Momentum direction, int64_t tries, Target& target,
                                   const NuclearModel& model, Random& random);
std::vector<Flyer> cascade(std::vector<Flyer> swarm, Target& target, const NuclearModel& model, Random& random);

// Whether a hadron meets a nucleon, or a pair, where it is, by a channel: who flies then.
bool happens_here(const Flyer& who, int channel, Target& target, const NuclearModel& model, Random& random,
                  std::vector<Flyer>& born);

// Nucleons that leave side by side become light nuclei.
void coalesce(std::vector<Flyer>& gone, const NuclearModel& model);

// The last word of energy on who leaves, and with which four-momenta; `came` may be nobody.
std::vector<FourMomentum> closed(std::vector<Flyer>& gone, Target& target, const FourMomentum& total, Hadron came,
                                 const NuclearModel& model);

// Particles that an excited nucleus emits, and the nucleus in its ground state.
void evaporate(int64_t z, int64_t a, const FourMomentum& four, bool photons_only, const NuclearModel& model,
               Random& random, Products& products);
int64_t nucleus_number(int64_t z, int64_t a);

// The end of a cascade: nucleons form light nuclei, what is left takes the rest of energy and momentum, and cools.
void settle(std::vector<Flyer> gone, Target& target, const FourMomentum& total, Hadron came, const NuclearModel& model,
            Random& random, Products& products);

// Interactions of hadrons with nuclei at rest; a nucleus of one nucleon is a proton.
void interact(int64_t pdg, double kinetic, Momentum direction, const Nucleus& nucleus, const NuclearModel& model,
              Random& random, Products& products);
void capture_neutron(double kinetic, Momentum direction, const Nucleus& nucleus, const NuclearModel& model,
                     Random& random, Products& products);
void capture_muon(const Nucleus& nucleus, const NuclearModel& model, Random& random, Products& products);
void capture_hadron(Hadron kind, const Nucleus& nucleus, const NuclearModel& model, Random& random,
                    Products& products);

}  // namespace nuforge::nucleus
