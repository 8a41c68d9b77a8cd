// What excited nuclei boil off, nucleons and light nuclei and then photons, as `nucleus/evaporation.py` makes them.

#include "nucleus.h"

namespace nuforge::nucleus {
namespace {

// A nucleus that cools.
struct Hot {
  int64_t z, a;
  FourMomentum four;
};

// A way to emit a light nucleus. Energies in MeV.
struct Way {
  double ground;   // mass of what is left
  double barrier;
  double room;     // energy above the barrier, below 0 where it is closed
  double y;        // 2 sqrt(level density x thermal energy)
};

// e^(x - highest), 0 where that is little.
double relative(double x, double highest) {
  return x - highest < -80.0 ? 0.0 : exponential(static_cast<float>(x - highest));
}

Way way_of(const Hot& nucleus, double mass, int light, const NuclearModel& model) {
  const int64_t z = nucleus.z - model.light_z[light], a = nucleus.a - model.light_a[light];
  if (a <= 0 || z < 0 || z > a) return {0.0, 0.0, -1.0, 0.0};
  const Remnant& rest = model.remnants[a];
  const bool one_kind = nucleus.z == 0 || nucleus.z == nucleus.a;  // never bound
  Way way;
  way.ground = model.mass(z, a);
  way.barrier = one_kind ? 0.0 : rest.barrier[light] * static_cast<double>(z);
  way.room = mass - way.ground - model.light_masses[light] - way.barrier;
  if (one_kind) way.room = std::fmax(way.room, model.least * model.least);
  const double pairing = rest.pairing * static_cast<double>((z % 2 == 0) + ((a - z) % 2 == 0));
  const double thermal = std::fmax(way.room - pairing, 0.0) + model.least_thermal * std::fmax(way.room, 0.0);
  way.y = 2.0 * std::sqrt(rest.level * thermal);
  return way;
}

// Width of a way in units of e^highest: the integral of x exp(2 sqrt(level (room - x))).
double width_of(const Way& way, int64_t a, int light, double highest, const NuclearModel& model) {
  if (way.room <= 0.0) return 0.0;
  const Remnant& rest = model.remnants[a];
  const double y = way.y, squared = y * y, one = relative(0.0, highest);
  const double integral = y < 0.3 ? 0.5 * squared * squared * one
                                  : relative(y, highest) * (2.0 * squared - 6.0 * y + 6.0) + (squared - 6.0) * one;
  return model.light_weights[light] * rest.surface * std::fmax(integral, 0.0) / (rest.level * rest.level);
}

// Energy above the barrier that leaves, from x exp(2 sqrt(level (room - x))), by rejection from x exp(-x sqrt(level /
// room)), which lies above it.
double energy_above_barrier(double room, double level, const NuclearModel& model, Random& random) {
  room = std::fmax(room, 1e-9);
  const double slope = std::sqrt(level / room), most = 2.0 * std::sqrt(level * room);
  for (int64_t draw = 0; draw < model.draws; ++draw) {
    const double x = (random.exponential() + random.exponential()) / slope;
    if (x < room && -random.exponential() < 2.0 * std::sqrt(level * (room - x)) - most + x * slope) return x;
  }
  return room * random.uniform();
}

// One light nucleus leaves, if one can.
bool boils(Hot& nucleus, const NuclearModel& model, Random& random, Products& products) {
  const double mass = nucleus.four.mass();
  Way ways[kLight];
  double highest = 0.0, total = 0.0, widths[kLight];
  for (int light = 0; light < kLight; ++light) {
    ways[light] = way_of(nucleus, mass, light, model);
    if (ways[light].room > 0.0) highest = std::fmax(highest, ways[light].y);
  }
  for (int light = 0; light < kLight; ++light)
    total += widths[light] = width_of(ways[light], nucleus.a - model.light_a[light], light, highest, model);
  if (total <= 0.0) return false;
  double choice = random.uniform() * total;
  int light = 0;
  while (light < kLight - 1 && (choice -= widths[light]) > 0.0) ++light;
  const Way& way = ways[light];
  nucleus.z -= model.light_z[light];
  nucleus.a -= model.light_a[light];
  const double available = mass - way.ground - model.light_masses[light] - way.barrier;
  const double drawn = energy_above_barrier(way.room, model.remnants[nucleus.a].level, model, random);
  const double left = nucleus.a > 1 ? std::fmax(available - drawn, 0.0) : 0.0;  // a nucleon has no excited states
  const TwoBodies bodies =
      two_bodies(nucleus.four, model.light_masses[light], way.ground + left, random.direction<double>());
  products.push_back({model.light_pdg[light], bodies.first});
  nucleus.four = bodies.second;
  return true;
}

// One photon leaves, if there is an excitation: E^3 up to it, as dipoles go to levels spread evenly.
bool shines(Hot& nucleus, const NuclearModel& model, Random& random, Products& products) {
  const double ground = model.mass(nucleus.z, nucleus.a), excitation = nucleus.four.mass() - ground;
  if (excitation <= model.least || nucleus.a <= 1) return false;
  const bool last = excitation < model.last || nucleus.a <= model.no_levels;
  const double energy = last ? excitation : excitation * std::sqrt(std::sqrt(random.uniform()));
  const TwoBodies bodies = two_bodies(nucleus.four, 0.0, ground + excitation - energy, random.direction<double>());
  products.push_back({22, bodies.first});
  nucleus.four = bodies.second;
  return true;
}

}  // namespace

int64_t nucleus_number(int64_t z, int64_t a) {
  if (a == 1) return z == 1 ? 2212 : 2112;
  return 1000000000 + z * 10000 + a * 10;
}

void evaporate(int64_t z, int64_t a, const FourMomentum& four, bool photons_only, const NuclearModel& model,
               Random& random, Products& products) {
  Hot nucleus{z, a, four};
  if (!photons_only)
    for (int64_t i = 0; i < model.most_emitted && nucleus.a > 1 && boils(nucleus, model, random, products);) ++i;
  for (int64_t i = 0; i < model.most_emitted && shines(nucleus, model, random, products);) ++i;
  if (nucleus.a > 0) products.push_back({nucleus_number(nucleus.z, nucleus.a), nucleus.four});
}

}  // namespace nuforge::nucleus
