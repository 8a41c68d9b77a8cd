// Captures at rest of mu-, pi- and K-, and of slow neutrons, as `nucleus/capture.py` makes them.

#include "nucleus.h"

namespace nuforge::nucleus {
namespace {

// A capture on a proton of the Fermi sea in the middle of a nucleus.
struct Taken {
  Momentum proton;    // MeV
  double excitation;  // of what follows
  double above;       // of it, what the neutron has above the Fermi sea
};

Taken muon_takes_proton(double available, const Nucleus& nucleus, const NuclearModel& model, Random& random) {
  const double mass = 2.0 * model.effective_mass * model.hadron_masses[kNeutron];
  const double fermi = nucleus.middle_fermi;
  Taken taken{};
  for (int64_t attempt = 0; attempt < model.capture_tries; ++attempt) {
    const double momentum = fermi * cube_root(random.uniforms().first), cosine = 2.0 * random.uniform() - 1.0;
    taken.proton = random.direction<double>() * momentum;
    double guess = 15.0, neutrino = 0.0, square = 0.0;
    for (int i = 0; i < 4; ++i) {  // the neutrino's energy and the excitation depend on each other
      neutrino = std::fmax(available - guess, 0.0);
      square = momentum * momentum + neutrino * neutrino + 2.0 * momentum * neutrino * cosine;
      guess = (square - momentum * momentum) / mass;
    }
    taken.excitation = guess;
    taken.above = (square - fermi * fermi) / mass;
    const double share = neutrino / model.muon_mass;
    if (taken.above > 0.0 && guess > 0.0 && random.uniform() < share * share) break;
  }
  taken.excitation = std::fmax(taken.excitation, 0.0);
  return taken;
}

// A point in a nucleus, distributed as the density.
Momentum anywhere(const Nucleus& nucleus, const NuclearModel& model, Random& random) {
  Momentum position{0.0, 0.0, 0.0};
  for (int64_t attempt = 0; attempt < model.capture_tries; ++attempt) {
    const double r = nucleus.edge * cube_root(random.uniforms().first);
    position = random.direction<double>() * r;
    if (random.uniform() * nucleus.at(0.0).density < nucleus.at(r).density) break;
  }
  return position;
}

// A point distributed as the slope of the density.
Momentum at_edge(const Nucleus& nucleus, const NuclearModel& model, Random& random) {
  const auto u = static_cast<float>(std::fmin(std::fmax(random.uniform(), 1e-3), 1.0 - 1e-3));
  const double r = nucleus.radius + model.diffuseness * logarithm(u / (1.0f - u));
  return random.direction<double>() * std::fmax(r, 0.0);
}

}  // namespace

void capture_muon(const Nucleus& nucleus, const NuclearModel& model, Random& random, Products& products) {
  const double whole = model.muon_mass - nucleus.orbits[0] + nucleus.mass;
  const double daughter = model.mass(nucleus.z - 1, nucleus.a);
  const Taken taken = muon_takes_proton(whole - daughter, nucleus, model, random);
  const Momentum neutrino = random.direction<double>() * (whole - daughter - taken.excitation);
  const FourMomentum leaves = FourMomentum::of(neutrino, 0.0);
  const double separation =
      model.mass(nucleus.z - 1, nucleus.a - 1) + model.hadron_masses[kNeutron] - daughter;
  const Flyer neutron{kNeutron, anywhere(nucleus, model, random), unit(taken.proton - neutrino),
                      taken.above - std::fmax(separation, 0.0)};
  Target target(nucleus);
  --target.z;
  --target.a;
  std::vector<Flyer> swarm;
  if (neutron.energy > 0.0) {
    swarm.push_back(neutron);
  } else {
    target.swallow(kNeutron, model);
  }
  products.push_back({model.neutrino, leaves});
  settle(cascade(std::move(swarm), target, model, random), target, FourMomentum::at_rest(whole) - leaves, kNobody,
         model, random, products);
}

void capture_hadron(Hadron kind, const Nucleus& nucleus, const NuclearModel& model, Random& random,
                    Products& products) {
  Target target(nucleus);
  std::vector<Flyer> swarm;
  bool met = false;
  for (int64_t attempt = 0; attempt < model.capture_tries && !met; ++attempt) {
    const Flyer who{kind, at_edge(nucleus, model, random), random.direction<double>(), 0.0};
    met = happens_here(who, kind == kPiMinus ? kAbsorption : kHyperon, target, model, random, swarm);
  }
  if (!met) target.swallow(kind, model);
  const FourMomentum total = FourMomentum::at_rest(model.hadron_masses[kind] + nucleus.mass);
  settle(cascade(std::move(swarm), target, model, random), target, total, kNobody, model, random, products);
}

void capture_neutron(double kinetic, Momentum direction, const Nucleus& nucleus, const NuclearModel& model,
                     Random& random, Products& products) {
  const double mass = model.hadron_masses[kNeutron];
  const Momentum vector = unit(direction) * std::sqrt(kinetic * (kinetic + 2.0 * mass));
  const FourMomentum total = FourMomentum::of(vector, mass) + FourMomentum::at_rest(nucleus.mass);
  evaporate(nucleus.z, nucleus.a + 1, total, true, model, random, products);
}

}  // namespace nuforge::nucleus
