// Decays of unstable particles, as `transport/decays.py` makes them.

#include "flight.h"

namespace nuforge {
namespace {

constexpr int64_t kLongKaon = 130, kMuon = 13;
constexpr int kTries = 24;

using Shares = FourMomentum[3];

// x = E / E_max of Michel's spectrum: the root of x^3 (2 - x) = u, as `physics/decays.py` finds it.
double michel_fraction(double u) {
  double x = cube_root(static_cast<float>(0.5 * u));
  for (int i = 0; i < 8; ++i) x -= (x * x * x * (2.0 - x) - u) / std::fmax(6.0 * x * x - 4.0 * x * x * x, 1e-6);
  return std::fmin(std::fmax(x, 0.0), 1.0);
}

// Electron and both neutrinos, which share the rest isotropically.
void share_of_muon(const FourMomentum& frame, double electron_mass, Random& random, Shares& out) {
  const double mass = frame.mass(), highest = (mass * mass + electron_mass * electron_mass) / (2.0 * mass);
  const double total = std::fmax(michel_fraction(random.uniforms().first) * highest, electron_mass * 1.001);
  const double momentum = std::sqrt(total * total - electron_mass * electron_mass);
  const FourMomentum electron{total, random.direction<double>() * momentum};
  const FourMomentum rest = FourMomentum::at_rest(mass) - electron;
  const TwoBodies neutrinos = two_bodies(rest, 0.0, 0.0, random.direction<double>());
  out[0] = electron.boosted(frame);
  out[1] = neutrinos.first.boosted(frame);
  out[2] = neutrinos.second.boosted(frame);
}

// Three bodies that share their phase space evenly.
void share_of_three(const FourMomentum& frame, const double* masses, Random& random, Shares& out) {
  const double total = frame.mass(), first = masses[0], second = masses[1], third = masses[2];
  const double low = first + second, high = total - third;
  const double most = two_body_momentum(total, low, third) * two_body_momentum(high, first, second);
  double pair = low;
  for (int i = 0; i < kTries; ++i) {
    pair = low + random.uniform() * (high - low);
    if (random.uniform() * most <= two_body_momentum(total, pair, third) * two_body_momentum(pair, first, second))
      break;
  }
  const TwoBodies both = two_bodies(frame, pair, third, random.direction<double>());
  const TwoBodies bodies = two_bodies(both.first, first, second, random.direction<double>());
  out[0] = bodies.first;
  out[1] = bodies.second;
  out[2] = both.second;
}

}  // namespace

void decay(const Particle& who, double bound, Random& random, const Medium& medium, Record& record) {
  const Kind kind = medium.kind(who.pdg);
  if (kind.n_decays == 0) return;
  const Pair uniform = random.uniforms();
  const Decay* channel = medium.decays + kind.decays;
  while (channel < medium.decays + kind.decays + kind.n_decays - 1 && uniform.first >= channel->chance) ++channel;
  const bool anti = who.pdg == kLongKaon ? uniform.second < 0.5f : who.pdg < 0;
  Kind products[3];
  double masses[3];
  for (int64_t i = 0; i < channel->n; ++i) {
    products[i] = medium.kind(anti ? channel->anti[i] : channel->pdg[i]);
    masses[i] = products[i].mass;
  }
  const double mass = kind.mass - bound, kinetic = who.energy;
  const Vector d = who.direction;
  const double momentum = std::sqrt(kinetic * (kinetic + 2.0 * mass));
  const FourMomentum frame = FourMomentum::of(Momentum{d.x, d.y, d.z} * momentum, mass);
  Shares shares;
  if (std::abs(who.pdg) == kMuon) {
    share_of_muon(frame, masses[0], random, shares);
  } else if (channel->n == 3) {
    share_of_three(frame, masses, random, shares);
  } else {
    const TwoBodies bodies = two_bodies(frame, masses[0], masses[1], random.direction<double>());
    shares[0] = bodies.first;
    shares[1] = bodies.second;
  }
  for (int64_t i = 0; i < channel->n; ++i)
    record.begin(who, random, products[i], kParticleDecay, shares[i]);
}

bool fly_to_decay(Particle& who, Random& random, const Medium& medium, Record& record) {
  const double wait = random.exponential() * medium.kind(who.pdg).lifetime, gamma_beta = who.momentum() / who.mass;
  const auto length = static_cast<float>(wait * gamma_beta * medium.speed_of_light);
  if (length > medium.distance(who.position, who.direction)) {
    record.escape(who);
    return false;
  }
  who.position = who.position + who.direction * length;
  who.time += wait * std::sqrt(1.0 + gamma_beta * gamma_beta);
  decay(who, 0.0, random, medium, record);
  return false;
}

}  // namespace nuforge
