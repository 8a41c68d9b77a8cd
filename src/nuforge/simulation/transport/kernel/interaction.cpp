// An inelastic interaction of a hadron with a nucleus, from the first collision to the ground state, as
// `nucleus/interaction.py` and `nucleus/hydrogen.py` make it.

#include "nucleus.h"

namespace nuforge::nucleus {
namespace {

Hadron hadron_of(int64_t pdg, const NuclearModel& model) {
  int64_t kind = kProton;
  while (kind < kLambda && model.hadron_pdg[kind] != pdg) ++kind;
  return static_cast<Hadron>(kind);
}

// Charge exchange, a pion more, a hyperon; where there is too little energy for any of them, an elastic scatter.
void interact_with_proton(Hadron kind, const FourMomentum& four, const NuclearModel& model, Random& random,
                          Products& products) {
  const double* mass = model.hadron_masses;
  const FourMomentum rest = FourMomentum::at_rest(mass[kProton]);
  const double root = (four + rest).mass();
  float rates[kCollisionColumns];
  model.collision(kind, kProton, size(four.vector), rates);
  const bool opens = root > mass[kind] + mass[kNeutron] + mass[kPiPlus];
  rates[kProduction] = opens ? rates[kProduction] + static_cast<float>(model.little) : 0.0f;
  Hadron swapped = kind, other = kProton;
  exchanged(swapped, other, model);
  if (root <= mass[swapped] + mass[other]) rates[kExchange] = 0.0f;
  double choice = random.uniform() * (rates[kExchange] + rates[kProduction] + rates[kHyperon]);
  int channel = choice > 0.0 ? kExchange : kElastic;
  while (channel != kElastic && channel < kHyperon && (choice -= rates[channel]) > 0.0) ++channel;
  const Outcome outcome = collide(kind, four, kProton, rest, channel, model, random);
  for (int i = 0; i < 3; ++i)
    if (outcome.kind[i] != kNobody) products.push_back({model.hadron_pdg[outcome.kind[i]], outcome.four[i]});
}

}  // namespace

void settle(std::vector<Flyer> gone, Target& target, const FourMomentum& total, Hadron came, const NuclearModel& model,
            Random& random, Products& products) {
  coalesce(gone, model);
  FourMomentum rest = total;
  const std::vector<FourMomentum> four = closed(gone, target, total, came, model);
  for (size_t i = 0; i < gone.size(); ++i) {
    products.push_back({model.hadron_pdg[gone[i].kind], four[i]});
    rest = rest - four[i];
  }
  evaporate(target.z, target.a, rest, false, model, random, products);
}

void interact(int64_t pdg, double kinetic, Momentum direction, const Nucleus& nucleus, const NuclearModel& model,
              Random& random, Products& products) {
  const Hadron kind = hadron_of(pdg, model);
  const double mass = model.hadron_masses[kind];
  direction = unit(direction);
  const FourMomentum four = FourMomentum::of(direction * std::sqrt(kinetic * (kinetic + 2.0 * mass)), mass);
  if (nucleus.a == 1) return interact_with_proton(kind, four, model, random, products);
  const double squared = kinetic * kinetic / (model.slow * model.slow);
  const auto most = static_cast<double>(model.tries);
  const auto tries = is_nucleon(kind) ? static_cast<int64_t>(std::fmin(1.0 + squared, most)) : model.tries;
  Target target(nucleus);
  std::vector<Flyer> gone =
      cascade(first_collision(kind, kinetic, direction, tries, target, model, random), target, model, random);
  settle(std::move(gone), target, four + FourMomentum::at_rest(nucleus.mass), kind, model, random, products);
}

}  // namespace nuforge::nucleus
