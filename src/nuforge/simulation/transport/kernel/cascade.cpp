// The intranuclear cascade, as `nucleus/cascade.py` makes it: hadrons cross a nucleus in short steps, and one of them
// may collide in each.

#include "nucleus.h"

namespace nuforge::nucleus {
namespace {

// A nucleon of the local Fermi sea.
FourMomentum of_fermi_sea(Hadron kind, const Place& place, const NuclearModel& model, Random& random) {
  const double momentum = place.fermi[kind] * cube_root(random.uniforms().first);
  return FourMomentum::of(random.direction<double>() * momentum, model.hadron_masses[kind]);
}

Hadron partner_of(const Target& target, Random& random) {
  return random.uniform() * static_cast<double>(target.a) < static_cast<double>(target.z) ? kProton : kNeutron;
}

FourMomentum inside(const Flyer& who, const Place& place, bool comes, const Target& target,
                    const NuclearModel& model) {
  const double mass = model.hadron_masses[who.kind];
  const double total = who.energy + target.depth(who.kind, place, comes, model) + mass;
  return {total, who.direction * std::sqrt(std::fmax(total * total - mass * mass, 0.0))};
}

// The second nucleon of a pair that absorbs a pion: the other kind but for a few, of a kind that charge allows.
Hadron second_of_pair(const Flyer& pion, Hadron first, const NuclearModel& model, Random& random) {
  const Hadron other = first == kNeutron ? kProton : kNeutron;
  const bool like = random.uniform() < (pion.energy > 0.0 ? model.like_pairs : model.like_pairs_at_rest);
  const Hadron second = like ? first : other;
  const int64_t charge = model.charges[pion.kind] + model.charges[first] + model.charges[second];
  return charge >= 0 && charge <= 2 ? second : like ? other : first;
}

// Whether charge and Pauli's principle allow what a collision leaves.
bool allowed(const Outcome& outcome, const Place& place, const Target& target) {
  const int64_t z = target.z - outcome.protons, a = target.a - outcome.nucleons;
  if (z < 0 || a < z || a <= 0) return false;
  for (int i = 0; i < 3; ++i) {
    const Hadron kind = outcome.kind[i];
    if (kind != kNobody && is_nucleon(kind) && size(outcome.four[i].vector) < place.fermi[kind]) return false;
  }
  return true;
}

// Who flies after a collision; nucleons that cannot leave become part of the nucleus.
void replace(const Outcome& outcome, Momentum position, const Place& place, Target& target, const NuclearModel& model,
             std::vector<Flyer>& swarm) {
  target.z -= outcome.protons;
  target.a -= outcome.nucleons;
  for (int i = 0; i < 3; ++i) {
    const Hadron kind = outcome.kind[i];
    if (kind == kNobody) continue;
    const FourMomentum& four = outcome.four[i];
    const double energy = four.kinetic(model.hadron_masses[kind]) - target.depth(kind, place, false, model);
    if (target.holds(kind, energy)) {
      target.swallow(kind, model);
    } else {
      swarm.push_back({kind, position, unit(four.vector), energy});
    }
  }
}

// What a hadron makes with a partner by a channel.
Outcome met(const Flyer& who, const FourMomentum& four, Hadron partner, const FourMomentum& partner_four, int channel,
            const Place& place, const NuclearModel& model, Random& random) {
  if (channel != kAbsorption) return collide(who.kind, four, partner, partner_four, channel, model, random);
  const Hadron second = second_of_pair(who, partner, model, random);
  const FourMomentum pair = partner_four + of_fermi_sea(second, place, model, random);
  return absorb(who.kind, four, pair, model.charges[partner] + model.charges[second], model, random);
}

// Rates per fm by channel at which a hadron of momentum `inside` collides, `flux` included; their sum.
double rates(const Flyer& who, Hadron partner, double lab, double flux, double inside, const Place& place,
             const Target& target, const NuclearModel& model, double* out) {
  float columns[kCollisionColumns];
  model.collision(who.kind, partner, lab, columns);
  const double filled = place.density / model.saturation;
  const double share = static_cast<double>(target.a) / static_cast<double>(target.begun.a);
  const double medium = is_nucleon(who.kind) ? 1.0 - model.in_medium * filled : 1.0;
  const double length = is_nucleon(who.kind) ? model.nucleon_mean_free_path
                        : is_pion(who.kind)  ? model.pion_mean_free_path
                                             : 1.0;
  const double each = model.mb * place.density * share * flux * medium / length;
  columns[kExchange] *= static_cast<float>(model.charge_exchange);
  double sum = 0.0;
  for (int channel = 0; channel < kAbsorption; ++channel) sum += out[channel] = each * columns[channel];
  out[kAbsorption] = 0.0;
  if (is_pion(who.kind)) {
    const double x = static_cast<double>(target.z) / static_cast<double>(target.a);
    const double pairs =
        model.pairs * x * (1.0 - x) * place.density * share * share * filled * model.pion_absorption / length;
    sum += out[kAbsorption] = model.mb * pairs * model.absorbed(inside);
  }
  return sum;
}

// Whether a hadron collides within a step whose middle is at `middle`, and then what comes out.
bool collides(const Flyer& who, Momentum middle, bool comes, const Target& target, const NuclearModel& model,
              Random& random, Place& place, Outcome& outcome) {
  if (target.a < model.fewest) return false;
  place = target.begun.at(size(middle));
  const FourMomentum four = inside(who, place, comes, target, model);
  const Hadron partner = partner_of(target, random);
  const FourMomentum partner_four = of_fermi_sea(partner, place, model, random);
  const double mass = model.hadron_masses[who.kind], partner_mass = model.hadron_masses[partner];
  const double lab = rest_frame_momentum((four + partner_four).mass(), mass, partner_mass);
  const double momentum = size(four.vector);
  const double flux = lab * partner_mass / (partner_four.energy * std::fmax(momentum, 1e-6));
  double rate[kChannels];
  const double total = rates(who, partner, lab, flux, momentum, place, target, model, rate);
  if (random.exponential() > total * model.step) return false;
  double choice = random.uniform() * total;
  int channel = 0;
  while (channel < kAbsorption && (choice -= rate[channel]) > 0.0) ++channel;
  outcome = met(who, four, partner, partner_four, channel, place, model, random);
  return allowed(outcome, place, target);
}

// Where a hadron is half a step on, and whether that is inside or before the nucleus.
bool advance(const Flyer& who, const Target& target, const NuclearModel& model, Momentum& middle) {
  middle = who.position + who.direction * (0.5 * model.step);
  return dot(middle, middle) <= target.begun.edge * target.begun.edge || dot(middle, who.direction) < 0.0;
}

// A point on the front half of the sphere about the nucleus, even over the disc that is seen.
Momentum front(Momentum direction, double edge, Random& random) {
  const double distance = 0.999 * edge * std::sqrt(random.uniform());
  const Momentum across = turned(direction, 0.5, random.uniforms().first);
  return across * distance - direction * std::sqrt(edge * edge - distance * distance);
}

}  // namespace

bool happens_here(const Flyer& who, int channel, Target& target, const NuclearModel& model, Random& random,
                  std::vector<Flyer>& born) {
  const Place place = target.begun.at(size(who.position));
  const FourMomentum four = inside(who, place, false, target, model);
  const Hadron partner = partner_of(target, random);
  const FourMomentum partner_four = of_fermi_sea(partner, place, model, random);
  const Outcome outcome = met(who, four, partner, partner_four, channel, place, model, random);
  if (!allowed(outcome, place, target)) return false;
  replace(outcome, who.position, place, target, model, born);
  return true;
}

std::vector<Flyer> first_collision(Hadron kind, double energy, Momentum direction, int64_t tries, Target& target,
                                   const NuclearModel& model, Random& random) {
  std::vector<Flyer> born;
  for (; tries > 0; --tries) {
    Flyer who{kind, front(direction, target.begun.edge, random), direction, energy};
    for (Momentum middle; advance(who, target, model, middle);
         who.position = middle + direction * (0.5 * model.step)) {
      Place place;
      Outcome outcome;
      if (!collides(who, middle, true, target, model, random, place, outcome)) continue;
      replace(outcome, middle, place, target, model, born);
      return born;
    }
  }
  target.swallow(kind, model);
  return born;
}

std::vector<Flyer> cascade(std::vector<Flyer> swarm, Target& target, const NuclearModel& model, Random& random) {
  std::vector<Flyer> gone, fly, born;
  for (int64_t step = 0; step < model.most_steps && !swarm.empty(); ++step) {
    bool quiet = true;  // one collision a step: two could take the same nucleon
    fly.clear();
    born.clear();
    for (Flyer& who : swarm) {
      Momentum middle;
      Place place;
      Outcome outcome;
      if (!advance(who, target, model, middle)) {
        gone.push_back(who);
      } else if (quiet && collides(who, middle, false, target, model, random, place, outcome)) {
        quiet = false;
        replace(outcome, middle, place, target, model, born);
      } else {
        who.position = middle + who.direction * (0.5 * model.step);
        fly.push_back(who);
      }
    }
    fly.insert(fly.end(), born.begin(), born.end());
    swarm.swap(fly);
  }
  for (const Flyer& who : swarm) target.swallow(who.kind, model);
  return gone;
}

}  // namespace nuforge::nucleus
