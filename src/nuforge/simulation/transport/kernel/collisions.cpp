// Collisions of hadrons with nucleons inside nuclei, as `nucleus/collisions.py` and `nucleus/channels.py` make them.

#include "nucleus.h"

namespace nuforge::nucleus {
namespace {

constexpr double kGeV = 1000.0;

// Cosine of the angle whose density is 1 + 3 cos^2, as the Delta decays.
double resonant_cosine(double uniform) {
  const double k = 2.0 * uniform - 1.0, root = std::sqrt(k * k + 1.0 / 27.0);
  return std::fmin(std::fmax(cube_root(static_cast<float>(root + k)) - cube_root(static_cast<float>(root - k)), -1.0),
                   1.0);
}

// (1 - cos) / 2 of an elastic scatter in the frame of the centre: exp(b t), slow pions as the Delta decays.
double scattering_angle(Hadron kind, Hadron partner, double lab, double centre, const NuclearModel& model,
                        Random& random) {
  const Pair uniform = random.uniforms();
  if (is_pion(kind) && lab < model.resonant) return 0.5 * (1.0 - resonant_cosine(uniform.first));
  float columns[kCollisionColumns];
  model.collision(kind, partner, lab, columns);
  const auto span = static_cast<float>(4.0 * columns[kSlope] * centre * centre / (kGeV * kGeV));
  const double mu = span > 0.0f ? between(rise(uniform.first * fall(span)) / span, 0.0f, 1.0f) : uniform.first;
  return uniform.second < columns[kBackward] ? 1.0 - mu : mu;
}

// Kinds of three bodies: nucleon and pion that a resonance decays to, and the third.
struct Three {
  Hadron nucleon, pion, third;
};

// N N -> N Delta by isospin, which decays by isospin.
Three made_by_nucleons(int64_t total, Pair uniform) {
  const double u = uniform.first, v = uniform.second;
  int64_t delta;
  if (total == 2) {
    delta = u < 0.75 ? 2 : 1;
  } else if (total == 1) {
    delta = u < 0.5 ? 1 : 0;
  } else {
    delta = u < 0.75 ? -1 : 0;
  }
  const int64_t proton = delta == 2 || (delta == 1 && v < 2.0 / 3.0) || (delta == 0 && v < 1.0 / 3.0);
  return {nucleon_of_charge(proton), pion_of_charge(delta - proton), nucleon_of_charge(total - delta)};
}

// pi N -> pi pi N: the nucleon's charge evenly, two pions as they fit.
Three made_by_pion(int64_t total, Pair uniform) {
  const double u = uniform.first, v = uniform.second;
  const int64_t lowest = std::max<int64_t>(total - 2, 0), highest = std::min<int64_t>(total + 2, 1);
  const int64_t charge = lowest == highest ? lowest : u < 0.5, pions = total - charge;
  int64_t first = v < 0.5 ? pions : 0;
  if (std::abs(pions) == 2) first = pions / 2;
  if (pions == 0) first = v < 1.0 / 3.0 ? 1 : v < 2.0 / 3.0 ? -1 : 0;
  return {nucleon_of_charge(charge), pion_of_charge(first), pion_of_charge(pions - first)};
}

// A kaon goes on, and the nucleon becomes a Delta of its charge.
Three made_by_kaon(Hadron kind, int64_t charge, Pair uniform) {
  const int64_t kept = uniform.second < 2.0f / 3.0f ? charge : 1 - charge;
  return {nucleon_of_charge(kept), pion_of_charge(charge - kept), kind};
}

// Mass of a Delta between those of nucleon and pion and what the third body leaves: Breit and Wigner, cut.
double resonance_mass(double low, double high, const NuclearModel& model, Random& random) {
  high = std::fmax(high, low);
  const auto turns = [&](double mass) {
    return arctangent(static_cast<float>(2.0 * (mass - model.delta_mass) / model.delta_width));
  };
  const float at = blended(turns(low), turns(high), random.uniforms().first);
  const Circle angle = circle(std::fabs(at));
  const double tangent = std::copysign(angle.sine / maximum(angle.cosine, 1e-6f), at);
  return std::fmin(std::fmax(model.delta_mass + 0.5 * model.delta_width * tangent, low), high);
}

}  // namespace

void exchanged(Hadron& kind, Hadron& partner, const NuclearModel& model) {
  constexpr Hadron swapped[] = {kKaonZero, kKaonPlus, kAntiKaonZero, kKaonMinus};
  const int64_t charge = model.charges[kind] + model.charges[partner];
  partner = nucleon_of_charge(1 - model.charges[partner]);
  if (is_pion(kind)) {
    kind = pion_of_charge(std::clamp<int64_t>(charge - model.charges[partner], -1, 1));
  } else if (is_kaon(kind)) {
    kind = swapped[kind - kKaonPlus];
  }
}

Outcome collide(Hadron kind, const FourMomentum& four, Hadron partner, const FourMomentum& partner_four, int channel,
                const NuclearModel& model, Random& random) {
  const double* mass = model.hadron_masses;
  const FourMomentum total = four + partner_four;
  const double root = std::sqrt(std::fmax(total.mass_squared(), 1e-12));
  const Momentum axis = unit(four.boosted(total.reversed()).vector);
  const double centre = two_body_momentum(root, mass[kind], mass[partner]), lab = centre * root / mass[partner];
  const double mu = scattering_angle(kind, partner, lab, centre, model, random);
  const Momentum direction = turned(axis, mu, random.uniforms().first);

  Outcome out{{kind, partner, kNobody}, {}, model.charges[partner], 1};
  if (channel == kProduction) {
    const int64_t charge = model.charges[kind] + model.charges[partner];
    const Pair uniform = random.uniforms();
    const Three three = is_nucleon(kind) ? made_by_nucleons(charge, uniform)
                        : is_pion(kind)  ? made_by_pion(charge, uniform)
                                         : made_by_kaon(kind, model.charges[partner], uniform);
    const double low = mass[three.nucleon] + mass[three.pion];
    const double resonance = resonance_mass(low, root - mass[three.third], model, random);
    const TwoBodies bodies = two_bodies(total, resonance, mass[three.third], direction);
    const TwoBodies decay =
        two_bodies(bodies.first, mass[three.nucleon], mass[three.pion], random.direction<double>());
    return {{three.nucleon, three.third, three.pion}, {decay.first, bodies.second, decay.second}, out.protons, 1};
  }
  if (channel == kExchange) exchanged(out.kind[0], out.kind[1], model);
  if (channel == kHyperon) {
    const int64_t charge = model.charges[kind] + model.charges[partner];
    out.kind[0] = kLambda;
    out.kind[1] = pion_of_charge(std::clamp<int64_t>(charge, -1, 1));
  }
  const TwoBodies bodies = two_bodies(total, mass[out.kind[0]], mass[out.kind[1]], direction);
  out.four[0] = bodies.first;
  out.four[1] = bodies.second;
  return out;
}

Outcome absorb(Hadron kind, const FourMomentum& four, const FourMomentum& pair, int64_t pair_charge,
               const NuclearModel& model, Random& random) {
  const int64_t charge = model.charges[kind] + pair_charge;
  const Hadron first = nucleon_of_charge(charge > 0), second = nucleon_of_charge(charge > 1);
  const TwoBodies bodies =
      two_bodies(four + pair, model.hadron_masses[first], model.hadron_masses[second], random.direction<double>());
  return {{first, second, kNobody}, {bodies.first, bodies.second, {}}, pair_charge, 2};
}

}  // namespace nuforge::nucleus
