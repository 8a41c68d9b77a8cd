// Neutrons and K0_L on their way, and elastic scatters of hadrons, as `transport/hadronic.py` and
// `physics/elastic_transfer.py` make them, which say where the physics is from.

#include <cstdlib>

#include "flight.h"

namespace nuforge {
namespace {

constexpr int64_t kPion = 211, kNeutron = 2112, kFreeProton = 2212;
constexpr double kGeV = 1000.0;

// Rates per cm at one energy.
class Rates {
 public:
  Rates(const Medium& medium, int64_t hadron, float energy) : columns_(medium.nuclear.columns) {
    const Grid& table = medium.nuclear;
    const Point row = point_of((logarithm(energy) - table.lowest) * table.per_unit, table.rows);
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

// Squared momentum transfer over the largest.
float transfer_share(int64_t pdg, double mass, double p, const Element& element, Random& random, const Medium& medium) {
  const auto nucleons = static_cast<double>(element.nucleus.a);
  const double target = nucleons * medium.atomic_mass;
  const double s = mass * mass + target * target + 2.0 * target * std::sqrt(p * p + mass * mass);
  const double limit = 4.0 * p * p * target * target / s / (kGeV * kGeV);
  const Pair uniform = random.uniforms();
  double slope;
  if (element.nucleus.a == 1 && (pdg == kNeutron || pdg == kFreeProton)) {
    slope = medium.model->nucleon_slope(p);
  } else {
    const double* e = element.heights_and_slopes[std::abs(pdg) != kPion ? 0 : p >= medium.pion_split ? 1 : 2];
    const double first = e[0] / e[1] * fall(static_cast<float>(e[1] * limit));
    const double second = e[2] / e[3] * fall(static_cast<float>(e[3] * limit));
    slope = uniform.first * (first + second) < second ? e[3] : e[1];
  }
  const auto x = static_cast<float>(slope * limit);
  return between(rise(uniform.second * fall(x)) / x, 0.0f, 1.0f);
}

// The hadron is turned and slowed; the nucleus is a particle if it gets enough, else a deposit.
void scatter(Particle& who, const Element& element, Random& random, const Medium& medium, Record& record) {
  const double kinetic = who.energy, mass = who.mass, target = element.nucleus.mass;
  const double total = kinetic + mass, p = who.momentum();
  const double largest = 2.0 * target * p * p / (mass * mass + target * target + 2.0 * target * total);
  const double given = largest * transfer_share(who.pdg, mass, p, element, random, medium);
  const double taken = std::sqrt(given * (given + 2.0 * target));
  const double cosine = taken > 0.0 ? given * (total + target) / (p * taken) : 0.0;
  const auto mu = static_cast<float>(0.5 * (1.0 - cosine));
  const Vector recoil = turned(who.direction, between(mu, 0.0f, 1.0f), random.uniforms().first);
  const auto energy = static_cast<float>(given);
  const int64_t z = element.nucleus.z, a = element.nucleus.a;
  if (a == 1 || given > medium.least_recoil) {
    const Kind nucleus = medium.kind(nucleus::nucleus_number(z, a));
    record.begin(who, random, nucleus, kElasticScatter, recoil, maximum(energy, 1e-12f));
  } else {
    record.deposit(who, energy);
  }
  who.direction = remaining(who.direction, static_cast<float>(p), recoil, static_cast<float>(taken));
  who.energy = static_cast<float>(std::fmax(kinetic - given, medium.thermal));
}

}  // namespace

// Straight ahead, with the mean loss of a proton of its velocity by charge and mass, to its end where that is near.
bool step_nucleus(Particle& who, const Medium& medium, Record& record) {
  const auto ratio = static_cast<float>(who.mass / medium.masses[kProton]);
  const auto charge = static_cast<float>(std::max<int64_t>(who.pdg / 10000 % 1000, 1));
  float columns[kChargedColumns];
  medium.charged.at<kChargedColumns>(logarithm(maximum(who.energy / ratio, 1e-6f)), kProton, columns);
  const float per_length = charge * charge / ratio, reach = columns[kRange] / per_length;  // of a proton
  const float wall = medium.distance(who.position, who.direction);
  float length = reach;
  if (reach > medium.longest) length = between(medium.fraction_of_range * reach, medium.longest / 6.0f, medium.longest);
  length = minimum(length, wall);
  const float step = length * per_length;
  const float mean = ratio * columns[kLoss] * step * (1.0f - 0.5f * columns[kSlope] * step);
  const float lost = length < reach ? between(mean, 0.0f, who.energy) : who.energy;
  const Vector start = who.position;
  who.position = medium.inside(start + who.direction * length);
  record.deposit(who, start, who.position, who.time, lost, length);
  who.time += length * (who.energy + who.mass) / (medium.speed_of_light * who.momentum());
  who.energy -= lost;
  if (who.energy <= 0.0f) return false;
  if (length < wall) return true;
  record.escape(who);
  return false;
}

bool meet_nucleus(Particle& who, Random& random, const Medium& medium, Record& record) {
  const int64_t column = Rates(medium, medium.kind(who.pdg).hadron, who.energy).drawn(random.uniforms().first);
  const Element& element = medium.elements[column / kMeetings];
  switch (column % kMeetings) {
    case kElastic:
      scatter(who, element, random, medium, record);
      return true;
    case kInelastic:
      break_up(who, element, random, medium, record);
      return false;
    default:
      capture_neutron(who, element, random, medium, record);
      return false;
  }
}

bool step_neutral(Particle& who, Random& random, const Medium& medium, Record& record) {
  const Kind kind = medium.kind(who.pdg);
  const double p = who.momentum();
  const float decays =
      kind.lifetime > 0.0 ? static_cast<float>(who.mass / (p * medium.speed_of_light * kind.lifetime)) : 0.0f;
  const float rate = decays + Rates(medium, kind.hadron, who.energy).total();
  const float length = random.exponential() / maximum(rate, 1e-12f);
  if (length > medium.distance(who.position, who.direction)) {
    record.escape(who);
    return false;
  }
  who.position = who.position + who.direction * length;
  who.time += length * (who.energy + who.mass) / (medium.speed_of_light * p);
  if (random.uniforms().first * rate >= decays) return meet_nucleus(who, random, medium, record);
  decay(who, 0.0, random, medium, record);
  return false;
}

}  // namespace nuforge
