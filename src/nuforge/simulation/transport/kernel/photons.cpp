// The flight of a photon to its next interaction, as `transport/neutral.py` makes it, which says where the physics is
// from.

#include "flight.h"

namespace nuforge {
namespace {

// `photons.forward`: from (0, 1) to mu, dense below `scale`.
float forward(float v, float scale) { return between(scale * v / (1.0f + scale - v), 0.0f, 1.0f); }

// An electron begins if it is above the threshold; its energy is a deposit if it is not.
void knock_out(const Particle& by, Random& random, Process process, Vector direction, float energy,
               const Medium& medium, Record& record) {
  if (energy > medium.threshold) {
    record.begin(by, random, medium.electron(), process, direction, energy);
  } else {
    record.deposit(by, energy);
  }
}

void make_pair(const Particle& by, Random& random, const Medium& medium, Record& record) {
  const float m = medium.electron_mass(), edge = m / by.energy;
  const Pair uniform = random.uniforms();
  const float v = medium.pair.draw(logarithm(by.energy), uniform.first);
  const float fraction = edge + (1.0f - 2.0f * edge) * v;
  const float angle = emission_angle(random) * m;
  const float electron = fraction * by.energy, positron = (1.0f - fraction) * by.energy;
  const float opposite = uniform.second < 0.5f ? uniform.second + 0.5f : uniform.second - 0.5f;
  const Vector first = turned(by.direction, sine_squared(angle / electron), uniform.second);
  const Vector second = turned(by.direction, sine_squared(angle / positron), opposite);
  knock_out(by, random, kPairProduction, first, maximum(electron - m, 1e-6f), medium, record);
  record.begin(by, random, medium.positron(), kPairProduction, second, maximum(positron - m, 1e-6f));
}

bool scatter(Particle& who, Random& random, const Medium& medium, Record& record) {
  const float k = who.energy, m = medium.electron_mass();
  const Pair uniform = random.uniforms();
  const float v = medium.compton.draw(logarithm(k), uniform.first);
  const float ratio = exponential((v - 1.0f) * logarithm(1.0f + 2.0f * k / m));
  const float mu = between(0.5f * m / k * (1.0f / ratio - 1.0f), 0.0f, 1.0f);
  const Vector after = turned(who.direction, mu, uniform.second);
  const Vector electron = remaining(who.direction, k, after, k * ratio);
  knock_out(who, random, kComptonScatter, electron, k * (1.0f - ratio), medium, record);
  who.direction = after;
  who.energy = k * ratio;
  if (who.energy >= medium.absorbed) return true;
  record.deposit(who, who.energy);
  return false;
}

void absorb(const Particle& by, Random& random, const Medium& medium, Record& record) {
  float energy = by.energy;
  const float log_energy = logarithm(energy);
  float choice = random.uniforms().first;
  for (int64_t line = 0; line < medium.n_lines; ++line) {
    choice -= medium.fluorescence.column(log_energy, line);
    if (choice >= 0.0f) continue;
    const float shines = medium.lines[line];
    if (shines >= energy) break;
    record.begin(by, random, medium.photon(), kPhotoelectric, random.direction<float>(), shines);
    energy -= shines;
    break;
  }
  const Pair uniform = random.uniforms();
  const float m = medium.electron_mass(), gamma = 1.0f + energy / m;
  const float beta = std::sqrt(energy * (energy + 2.0f * m)) / (energy + m);
  const float scale = 1.0f / (2.0f * beta * (1.0f + beta) * gamma * gamma);
  const float mu = forward(medium.photoelectron.draw(logarithm(energy), uniform.first), scale);
  knock_out(by, random, kPhotoelectric, turned(by.direction, mu, uniform.second), energy, medium, record);
}

}  // namespace

bool step_photon(Particle& who, Random& random, const Medium& medium, Record& record) {
  const float log_energy = logarithm(who.energy);
  float rates[kPhotonColumns];
  medium.photons.at<kPhotonColumns>(log_energy, 0, rates);
  const float total = rates[kPair] + rates[kCompton] + rates[kPhoto] + rates[kRayleigh];
  const float length = random.exponential() / total;
  if (length >= medium.distance(who.position, who.direction)) {
    record.escape(who);
    return false;
  }
  who.position = who.position + who.direction * length;
  who.time += length / medium.speed_of_light;
  float choice = random.uniforms().first * total;
  if ((choice -= rates[kPair]) < 0.0f) {
    make_pair(who, random, medium, record);
    return false;
  }
  if ((choice -= rates[kCompton]) < 0.0f) return scatter(who, random, medium, record);
  if ((choice -= rates[kPhoto]) < 0.0f) {
    absorb(who, random, medium, record);
    return false;
  }
  const Pair uniform = random.uniforms();
  const float scale = medium.coherent_scale / (who.energy * who.energy);
  const float mu = forward(medium.rayleigh.draw(log_energy, uniform.first), scale);
  who.direction = turned(who.direction, mu, uniform.second);
  return true;
}

}  // namespace nuforge
