// One step of a charged particle, as `transport/charged.py` makes it, which says where the physics is from.

#include "flight.h"

namespace nuforge {
namespace {

constexpr float kLowestEnergy = 1e-6f;  // MeV

float momentum(float kinetic, float mass) { return std::sqrt(kinetic * (kinetic + 2.0f * mass)); }

// Integral of mu dmu / (mu + A)^2 from 0 to x A.
float deflection(float x) {
  if (x < 0.03f) return x * x * (0.5f + x * (-2.0f / 3.0f + x * (0.75f - 0.8f * x)));
  return logarithm(1.0f + x) - x / (1.0f + x);
}

// The direction after the Coulomb scattering of a step of a particle of momentum p: soft scatters together, and the
// rare one beyond the angle that a quarter of one exceeds.
Vector scattered(Vector direction, float strength, float a, float p, float beta_squared, Random& random,
                 const Medium& medium) {
  const float share = medium.electron_share;
  const float squared = p * p;
  const float knock = medium.electron_mass() * medium.threshold / (2.0f * squared);
  const float inverse_end = 1.0f / (1.0f + a);
  const float hard = minimum(strength * (1.0f / a - inverse_end), medium.hard_scatters);
  const float edge = maximum(1.0f / (hard / strength + inverse_end) - a, 0.0f);
  float soft = deflection(edge / a);
  if (knock < edge) soft = (1.0f - share) * soft + share * deflection(knock / a);
  float mu = strength * soft * random.exponential();
  const Pair first = random.uniforms();
  if (mu > 1.0f) mu = first.second;
  Vector out = turned(direction, mu, first.first);
  const Pair second = random.uniforms();
  if (second.first >= hard) return out;
  const Pair third = random.uniforms();
  mu = 1.0f / (inverse_end + third.first * (1.0f / (edge + a) - inverse_end)) - a;
  mu = between(mu, 0.0f, 1.0f);
  float form = 0.0f;
  for (int64_t e = 0; e < medium.n_nuclei; ++e) {
    const float radius = medium.nuclei[2 * e + 1];
    float factor = 1.0f / (1.0f + radius * radius * squared * mu * (1.0f / 3.0f));
    factor *= factor;
    form += medium.nuclei[2 * e] * factor * factor;
  }
  const float kept = (1.0f - share) * form * (1.0f - beta_squared * mu) + (mu < knock ? share : 0.0f);
  return second.first < hard * kept ? turned(out, mu, second.second) : out;
}

// Knocks out an electron above the threshold, unless the spin says no.
void knock_on(Particle& by, Random& random, const Medium& medium, Record& record) {
  const float cut = medium.threshold, mass = medium.masses[by.species], m = medium.electron_mass();
  const bool electron = by.species == kElectron;
  const Pair uniform = random.uniforms();
  float transfer;
  if (by.species > kPositron) {
    const float gamma = 1.0f + by.energy / mass, ratio = m / mass, total = by.energy + mass;
    const float largest = 2.0f * m * (gamma * gamma - 1.0f) / (1.0f + 2.0f * gamma * ratio + ratio * ratio);
    if (largest <= cut) return;
    transfer = 1.0f / blended(1.0f / largest, 1.0f / cut, uniform.first);
    const float beta_squared = by.energy * (by.energy + 2.0f * mass) / (total * total), part = transfer / total;
    if (uniform.second >= 1.0f - beta_squared * transfer / largest + 0.5f * part * part) return;
  } else {
    const float largest = electron ? 0.5f * by.energy : by.energy;
    if (largest <= cut) return;
    const Grid& spectrum = electron ? medium.knock : medium.knock_positron;
    transfer = cut * exponential(spectrum.draw(logarithm(by.energy), uniform.first) * logarithm(largest / cut));
  }
  const double kinetic = by.energy, given = transfer;
  const double p = std::sqrt(kinetic * (kinetic + 2.0 * mass)), taken = std::sqrt(given * (given + 2.0 * m));
  const auto mu = static_cast<float>(0.5 * (1.0 - given * (kinetic + mass + m) / (p * taken)));
  const Vector direction = turned(by.direction, between(mu, 0.0f, 1.0f), random.uniforms().first);
  record.begin(by, random, medium.electron(), kIonisation, direction, transfer);
  by.direction = remaining(by.direction, static_cast<float>(p), direction, static_cast<float>(taken));
  by.energy = maximum(by.energy - transfer, kLowestEnergy);
}

// Radiates a photon above the threshold.
void radiate(Particle& by, Random& random, const Medium& medium, Record& record) {
  const float cut = medium.photon_threshold, m = medium.electron_mass();
  if (by.energy <= cut * 1.001f) return;
  const Pair uniform = random.uniforms();
  const float k = cut * exponential(medium.radiated.draw(logarithm(by.energy), uniform.first) *
                                    logarithm(by.energy / cut));
  const float angle = emission_angle(random) * m / (by.energy + m);
  const Vector direction = turned(by.direction, sine_squared(angle), uniform.second);
  record.begin(by, random, medium.photon(), kBremsstrahlung, direction, k);
  by.direction = remaining(by.direction, momentum(by.energy, m), direction, k);
  by.energy = maximum(by.energy - k, kLowestEnergy);
}

// Two photons, back to back, of a positron at rest.
void annihilate_at_rest(const Particle& by, Random& random, const Medium& medium, Record& record) {
  const auto axis = random.direction<float>();
  for (const float sign : {1.0f, -1.0f})
    record.begin(by, random, medium.photon(), kAnnihilation, axis * sign, medium.electron_mass());
}

// Two photons of a positron in flight, as `transport/annihilation.py` makes them.
void annihilate_in_flight(const Particle& by, Random& random, const Medium& medium, Record& record) {
  const Pair uniform = random.uniforms();
  const double m = medium.electron_mass(), kinetic = by.energy, total = kinetic + 2.0 * m;
  const double low = m / total / (1.0 + std::sqrt(kinetic / total));
  const float v = medium.annihilation.draw(logarithm(by.energy), uniform.first);
  const double share = low * exponential(v * logarithm(static_cast<float>(1.0 / low - 1.0)));
  const double gamma = 1.0 + kinetic / m, root = std::sqrt(kinetic / m * (gamma + 1.0));
  const auto mu = static_cast<float>(0.5 * (root - gamma - 1.0 + 1.0 / share) / std::fmax(root, 1e-30));
  const Vector first = turned(by.direction, between(mu, 0.0f, 1.0f), uniform.second);
  const auto energy = static_cast<float>(share * total);
  const Vector second = remaining(by.direction, momentum(by.energy, medium.electron_mass()), first, energy);
  record.begin(by, random, medium.photon(), kAnnihilation, first, energy);
  record.begin(by, random, medium.photon(), kAnnihilation, second, static_cast<float>((1.0 - share) * total));
}

void stop(Particle& who, Random& random, const Medium& medium, Record& record) {
  if (who.species == kPositron) annihilate_at_rest(who, random, medium, record);
  if (who.species > kPositron) come_to_rest(who, random, medium, record);
}

}  // namespace

bool step_charged(Particle& who, Random& random, const Medium& medium, Record& record) {
  float c[kChargedColumns];
  medium.charged.at<kChargedColumns>(logarithm(who.energy), who.species, c);
  const float mass = medium.masses[who.species], total = who.energy + mass;
  const float p = momentum(who.energy, mass), beta = p / total, reach = c[kRange];

  const float rate = c[kKnock] + c[kRadiate] + c[kDecay] + c[kNuclear];
  const float free = random.exponential() / rate;
  const float wall = medium.distance(who.position, who.direction);
  float length = between(medium.fraction_of_range * reach, medium.longest / 6.0f, medium.longest);
  length = minimum(minimum(length, reach), minimum(wall, free));
  length = maximum(length, medium.shortest);

  const float mean = c[kLoss] * length * (1.0f - 0.5f * c[kSlope] * length);
  const float scale = c[kScale] * length;
  const float spread = std::sqrt(scale * c[kTransfer]);
  float lost = maximum(mean + spread * medium.fluctuate(scale / c[kTransfer], random.normal()), 0.0f);
  const bool ends = length >= reach || lost >= who.energy;
  if (ends) lost = who.energy;

  const Pair uniform = random.uniforms();
  const Vector direction =
      scattered(who.direction, c[kStrength] * length, c[kScreening], p, beta * beta, random, medium);
  const float hinge = uniform.first * length;
  const Vector start = who.position;
  who.position = medium.inside(start + who.direction * hinge + direction * (length - hinge));
  who.direction = direction;
  record.deposit(who, start, who.position, who.time, lost, length);
  who.time += length / (medium.speed_of_light * beta);
  who.energy -= lost;

  if (ends) {
    stop(who, random, medium, record);
    return false;
  }
  if (length >= wall) {
    record.escape(who);
    return false;
  }
  if (length < free) return true;
  const float choice = uniform.second * rate;
  if (choice < c[kKnock]) {
    knock_on(who, random, medium, record);
  } else if (choice < c[kKnock] + c[kRadiate]) {
    radiate(who, random, medium, record);
  } else if (choice >= c[kKnock] + c[kRadiate] + c[kDecay]) {
    return meet_nucleus(who, random, medium, record);
  } else {
    if (who.species == kPositron) annihilate_in_flight(who, random, medium, record);
    if (who.species > kPositron) decay(who, 0.0, random, medium, record);
    return false;
  }
  return true;
}

}  // namespace nuforge
