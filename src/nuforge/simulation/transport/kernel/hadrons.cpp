// Neutrons and K0_L on their way, and elastic scatters of hadrons, as `transport/hadronic.py` and
// `physics/elastic_transfer.py` make them, which say where the physics is from.

#include <cstdlib>

#include "flight.h"

namespace nuforge {
namespace {

constexpr int64_t kLongKaon = 130, kPion = 211, kNeutron = 2112, kFreeProton = 2212;
constexpr double kAtomicMass = 931.494, kGeV = 1000.0;

// Rates per cm at one energy.
class Rates {
 public:
  Rates(const Medium& medium, int64_t hadron, float energy) : columns_(medium.nuclear.columns) {
    const Grid& table = medium.nuclear;
    const Place row = place((logarithm(energy) - table.lowest) * table.per_unit, table.rows);
    low_ = table.values + (hadron * table.rows + row.below) * columns_;
    on_ = row.on;
  }

  float operator[](int64_t column) const { return blended(low_[column], low_[column + columns_], on_); }

  float total() const {
    float sum = 0.0f;
    for (int64_t q = 0; q < columns_; ++q) sum += (*this)[q];
    return sum;
  }

  // A column by its share of the total.
  int64_t drawn(float uniform) const {
    float choice = uniform * total();
    for (int64_t q = 0; q < columns_; ++q)
      if ((choice -= (*this)[q]) < 0.0f) return q;
    return columns_ - 1;
  }

 private:
  int64_t columns_;
  const float* low_;
  float on_;
};

int64_t hadron_of(const Particle& who, const Medium& medium) {
  for (int64_t h = 0; h < medium.n_hadrons; ++h)
    if (medium.hadrons[h] == who.pdg) return h;
  return 0;
}

// 1 - e^-x of x above 0.
float fall(float x) {
  if (x < 0.01f) return x * (1.0f - x * (0.5f - x * (1.0f / 6.0f)));
  return 1.0f - exponential(-minimum(x, 80.0f));
}

// -ln(1 - y).
float rise(float y) {
  if (y < 0.01f) return y * (1.0f + y * (0.5f + y * (1.0f / 3.0f)));
  return -logarithm(1.0f - y);
}

// Slope (1/GeV^2) of nucleon-nucleon scattering at p (GeV).
double nucleon_slope(double p) {
  double power = p * p * p * p;
  power *= power;
  return std::fmax(p < 2.0 ? 5.5 * power / (7.7 + power) : 5.334 + 0.67 * (p - 2.0), 1e-6);
}

// Squared momentum transfer over the largest.
float transfer_share(int64_t pdg, double mass, double p, const Element& element, Random& random, const Medium& medium) {
  const double target = element.a * kAtomicMass;
  const double s = mass * mass + target * target + 2.0 * target * std::sqrt(p * p + mass * mass);
  const double limit = 4.0 * p * p * target * target / s / (kGeV * kGeV);
  const Pair uniform = random.uniforms();
  double slope;
  if (element.a < 1.5 && (pdg == kNeutron || pdg == kFreeProton)) {
    slope = nucleon_slope(p / kGeV);
  } else {
    const double* e = element.heights_and_slopes[std::abs(pdg) != kPion ? 0 : p >= medium.pion_split ? 1 : 2];
    const double first = e[0] / e[1] * fall(static_cast<float>(e[1] * limit));
    const double second = e[2] / e[3] * fall(static_cast<float>(e[3] * limit));
    slope = uniform.first * (first + second) < second ? e[3] : e[1];
  }
  const auto x = static_cast<float>(slope * limit);
  return between(rise(uniform.second * fall(x)) / x, 0.0f, 1.0f);
}

// A nucleus deposits all its energy straight ahead, over the range of a proton of its velocity, by mass and charge.
void stop_nucleus(const Particle& nucleus, const Element& element, const Medium& medium, Record& record) {
  const auto ratio = static_cast<float>(element.mass / medium.masses[kProton]);
  const auto squared_charge = static_cast<float>(element.z * element.z);
  float columns[kChargedColumns];
  medium.charged.at<kChargedColumns>(logarithm(maximum(nucleus.energy / ratio, 1e-6f)), kProton, columns);
  const float reach = columns[kRange] * ratio / squared_charge;
  const float length = minimum(reach, medium.distance(nucleus.position, nucleus.direction));
  const Vector end = medium.inside(nucleus.position + nucleus.direction * length);
  record.deposit(nucleus, nucleus.position, end, nucleus.time, nucleus.energy, length);
}

// The hadron is turned and slowed; the nucleus is a particle if it gets enough, else a deposit.
void scatter(Particle& who, double mass, const Element& element, Random& random, const Medium& medium,
             Record& record) {
  const double kinetic = who.energy, total = kinetic + mass, target = element.mass, p = who.momentum(mass);
  const double largest = 2.0 * target * p * p / (mass * mass + target * target + 2.0 * target * total);
  const double given = largest * transfer_share(who.pdg, mass, p, element, random, medium);
  const double taken = std::sqrt(given * (given + 2.0 * target));
  const double cosine = taken > 0.0 ? given * (total + target) / (p * taken) : 0.0;
  const auto mu = static_cast<float>(0.5 * (1.0 - cosine));
  const Vector recoil = turned(who.direction, between(mu, 0.0f, 1.0f), random.uniforms().first);
  const auto energy = static_cast<float>(given);
  if (element.a < 1.5) {
    record.wait(record.born(who, random, kFreeProton, kProton, kElasticScatter, recoil, maximum(energy, 1e-12f),
                            static_cast<float>(target)));
  } else if (given > medium.least_recoil) {
    const auto pdg = 1000000000 + 10000 * static_cast<int64_t>(element.z) + 10 * static_cast<int64_t>(element.a);
    stop_nucleus(record.born(who, random, pdg, kNucleus, kElasticScatter, recoil, energy, static_cast<float>(target)),
                 element, medium, record);
  } else {
    record.deposit(who, energy);
  }
  who.direction = remaining(who.direction, static_cast<float>(p), recoil, static_cast<float>(taken));
  who.energy = static_cast<float>(std::fmax(kinetic - given, medium.thermal));
}

}  // namespace

bool meet_nucleus(Particle& who, Random& random, const Medium& medium, Record& record) {
  const int64_t hadron = hadron_of(who, medium);
  const int64_t column = Rates(medium, hadron, who.energy).drawn(random.uniforms().first);
  if (column % kMeetings != kElastic) {
    record.hand_back(who, column % kMeetings == kInelastic ? kBreaksUp : kIsCaptured);
    return false;
  }
  scatter(who, medium.hadron_masses[hadron], medium.elements[column / kMeetings], random, medium, record);
  return true;
}

bool step_neutral(Particle& who, Random& random, const Medium& medium, Record& record) {
  const int64_t hadron = hadron_of(who, medium);
  const double mass = medium.hadron_masses[hadron], p = who.momentum(mass);
  const float decay =
      who.pdg == kLongKaon ? static_cast<float>(mass / (p * medium.speed_of_light * medium.long_kaon_lifetime)) : 0.0f;
  const float rate = decay + Rates(medium, hadron, who.energy).total();
  const float length = random.exponential() / maximum(rate, 1e-12f);
  if (length > medium.distance(who.position, who.direction)) {
    record.escape(who);
    return false;
  }
  who.position = who.position + who.direction * length;
  who.time += length * (who.energy + mass) / (medium.speed_of_light * p);
  if (random.uniforms().first * rate >= decay) return meet_nucleus(who, random, medium, record);
  record.hand_back(who, kDecays);
  return false;
}

}  // namespace nuforge
