// The last word of energy and momentum on who leaves a nucleus after its cascade, as `nucleus/closing.py` says it.

#include "nucleus.h"

namespace nuforge::nucleus {
namespace {

constexpr int kSteps = 60;

std::vector<FourMomentum> four_momenta(const std::vector<Flyer>& gone, const NuclearModel& model) {
  std::vector<FourMomentum> four;
  four.reserve(gone.size());
  for (const Flyer& who : gone) four.push_back(who.outside(model));
  return four;
}

// Whether what is left has too little mass, or is one nucleon with too much.
bool fails(const std::vector<FourMomentum>& four, const Target& target, const FourMomentum& total,
           const NuclearModel& model) {
  FourMomentum rest = total;
  for (const FourMomentum& f : four) rest = rest - f;
  const double missing = FourMomentum::of(rest.vector, model.mass(target.z, target.a)).energy - rest.energy;
  return missing > 0.0 || (target.a == 1 && std::fabs(missing) > model.spare);
}

// Whether all would be too heavy even at rest.
bool impossible(const std::vector<Flyer>& gone, const Target& target, const FourMomentum& total,
                const NuclearModel& model) {
  double masses = model.mass(target.z, target.a);
  for (const Flyer& who : gone) masses += model.hadron_masses[who.kind];
  return masses + model.spare > total.mass();
}

// Those of a kind stay in the nucleus.
void keep(std::vector<Flyer>& gone, bool (*stays)(Hadron), Target& target, const NuclearModel& model) {
  for (const Flyer& who : gone)
    if (stays(who.kind)) target.swallow(who.kind, model);
  gone.erase(std::remove_if(gone.begin(), gone.end(), [&](const Flyer& who) { return stays(who.kind); }), gone.end());
}

// Momenta in the frame of the centre get one factor, so that energies add up: Newton's method from above, as the sum of
// energies is convex.
void scale(const std::vector<Flyer>& gone, std::vector<FourMomentum>& four, double ground, const FourMomentum& total,
           const NuclearModel& model) {
  const double root = total.mass();
  Momentum opposite{0.0, 0.0, 0.0};
  double sum = 0.0;
  for (FourMomentum& f : four) {
    f = f.boosted(total.reversed());
    opposite = opposite + f.vector;
    sum += size(f.vector);
  }
  double factor = root / std::fmax(sum, 1e-9);
  for (int step = 0; step < kSteps; ++step) {
    const double rest = FourMomentum::of(opposite * factor, ground).energy;
    double excess = rest - root, slope = factor * dot(opposite, opposite) / rest;
    for (size_t i = 0; i < four.size(); ++i) {
      const double energy = FourMomentum::of(four[i].vector * factor, model.hadron_masses[gone[i].kind]).energy;
      excess += energy;
      slope += factor * dot(four[i].vector, four[i].vector) / energy;
    }
    factor = std::fmax(factor - excess / std::fmax(slope, 1e-12), 0.0);
  }
  for (size_t i = 0; i < four.size(); ++i)
    four[i] = FourMomentum::of(four[i].vector * factor, model.hadron_masses[gone[i].kind]).boosted(total);
}

}  // namespace

std::vector<FourMomentum> closed(std::vector<Flyer>& gone, Target& target, const FourMomentum& total, Hadron came,
                                 const NuclearModel& model) {
  std::vector<FourMomentum> four = four_momenta(gone, model);
  if (!fails(four, target, total, model)) return four;
  for (bool (*stays)(Hadron) : {is_nucleon, is_light_nucleus, is_pion})
    if (impossible(gone, target, total, model)) keep(gone, stays, target, model);
  if (came != kNobody && impossible(gone, target, total, model)) {
    target.restore();
    gone.assign(1, {came, {0.0, 0.0, 0.0}, {0.0, 0.0, 1.0}, 1.0});  // it flies on, and nothing has happened
  }
  four = four_momenta(gone, model);
  if (fails(four, target, total, model)) scale(gone, four, model.mass(target.z, target.a), total, model);
  return four;
}

}  // namespace nuforge::nucleus
