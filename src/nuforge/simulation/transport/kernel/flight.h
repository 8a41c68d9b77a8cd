// Particles in flight and what they leave. `kernel/layout.py` mirrors the structures of pointers.

#pragma once

#include <cstdint>
#include <vector>

#include "medium.h"
#include "random.h"

namespace nuforge {

enum Process {
  kIonisation,
  kBremsstrahlung,
  kAnnihilation,
  kPairProduction,
  kComptonScatter,
  kPhotoelectric,
  kElasticScatter,
  kInelasticCollision,
  kNeutronCapture,
  kCaptureAtRest,
  kParticleDecay
};

struct Particle {
  Vector position, direction;
  float energy;
  double time, mass;
  int64_t pdg, species;
  int64_t row, event, interaction;  // its parent's row until it is entered
  Process process;
  uint64_t key;  // of its random numbers

  double momentum() const {
    return std::sqrt(static_cast<double>(energy) * (static_cast<double>(energy) + 2.0 * mass));
  }
};

// Particles that are handed in: `Flight` of the Python side.
struct Flights {
  const int64_t* numbers;  // (5, n): PDG number, species, row, event, interaction
  const float* state;      // (7, n)
  const double* time;
  int64_t n;
};

// Columns that are filled, and how far.
struct Segments {
  int64_t *event, *row;
  float *start, *end;
  double* time;
  float *energy, *length;
  int64_t capacity, n;
};

struct Births {
  int64_t *event, *pdg, *parent, *process;
  float* start;
  double* time;
  float* momentum;
  int64_t* interaction;
  int64_t capacity, n;
};

struct Escapes {
  int64_t* row;
  float* energy;
  int64_t capacity, n;
};

constexpr int64_t kRoom = 2;  // rows that one step fills at most

// Takes what particles leave. Those that are born wait on a stack, and are entered when their turn comes.
class Record {
 public:
  Record(const int64_t* processes, int64_t rows) : processes_(processes), rows_(rows) {}

  void fill(Segments* segments, Births* births, Escapes* escapes) {
    segments_ = segments;
    births_ = births;
    escapes_ = escapes;
  }

  bool has_room() const {
    return segments_->n + kRoom <= segments_->capacity && births_->n + kRoom <= births_->capacity &&
           escapes_->n + kRoom <= escapes_->capacity;
  }

  void deposit(const Particle& by, Vector start, Vector end, double time, float energy, float length) {
    Segments& s = *segments_;
    const int64_t i = s.n++;
    s.event[i] = by.event;
    s.row[i] = by.row;
    put(s.start, i, start);
    put(s.end, i, end);
    s.time[i] = time;
    s.energy[i] = energy;
    s.length[i] = length;
  }

  // A deposit of no length where the particle is.
  void deposit(const Particle& by, float energy) { deposit(by, by.position, by.position, by.time, energy, 0.0f); }

  // A particle begins where and when its parent is, with random numbers of its own.
  void begin(const Particle& parent, Random& random, const Kind& kind, Process process, Vector direction,
             float energy) {
    waiting_.push_back({parent.position, direction, energy, parent.time, kind.mass, kind.pdg, kind.species, parent.row,
                        parent.event, parent.interaction, process, random.bits()});
  }

  void begin(const Particle& parent, Random& random, const Kind& kind, Process process, const FourMomentum& four) {
    const double length = std::fmax(size(four.vector), 1e-12);
    const Vector direction{static_cast<float>(four.vector.x / length), static_cast<float>(four.vector.y / length),
                           static_cast<float>(four.vector.z / length)};
    begin(parent, random, kind, process, direction, maximum(static_cast<float>(four.kinetic(kind.mass)), 1e-12f));
  }

  // The particle leaves the box.
  void escape(const Particle& who) {
    const int64_t i = escapes_->n++;
    escapes_->row[i] = who.row;
    escapes_->energy[i] = who.energy;
  }

  // The next particle, entered: the first child of the last one, or else of who was before; whether there is one.
  bool next(Particle& who) {
    if (waiting_.empty()) return false;
    std::reverse(waiting_.begin() + others_, waiting_.end());
    who = waiting_.back();
    waiting_.pop_back();
    others_ = static_cast<int64_t>(waiting_.size());
    Births& b = *births_;
    const int64_t i = b.n++;
    const auto mass = static_cast<float>(who.mass);
    b.event[i] = who.event;
    b.pdg[i] = who.pdg;
    b.parent[i] = who.row;
    b.process[i] = processes_[who.process];
    put(b.start, i, who.position);
    b.time[i] = who.time;
    put(b.momentum, i, who.direction * std::sqrt(who.energy * (who.energy + 2.0f * mass)));
    b.interaction[i] = who.interaction;
    who.row = rows_++;
    return true;
  }

 private:
  static void put(float* column, int64_t i, Vector v) {
    column[3 * i] = v.x;
    column[3 * i + 1] = v.y;
    column[3 * i + 2] = v.z;
  }

  const int64_t* processes_;
  int64_t rows_;
  Segments* segments_ = nullptr;
  Births* births_ = nullptr;
  Escapes* escapes_ = nullptr;
  std::vector<Particle> waiting_;
  int64_t others_ = 0;  // of them, those that are no children of the particle in flight
};

// What happens next to a particle: whether it flies on. A step of a charged one; the flight of a photon to its next
// interaction, of a neutron or K0_L to the next nucleus, of a short-lived one to its decay; a step of a nucleus.
bool step_charged(Particle& particle, Random& random, const Medium& medium, Record& record);
bool step_photon(Particle& photon, Random& random, const Medium& medium, Record& record);
bool step_neutral(Particle& hadron, Random& random, const Medium& medium, Record& record);
bool fly_to_decay(Particle& particle, Random& random, const Medium& medium, Record& record);
bool step_nucleus(Particle& nucleus, const Medium& medium, Record& record);

// What any hadron does that meets a nucleus: whether it flies on.
bool meet_nucleus(Particle& hadron, Random& random, const Medium& medium, Record& record);

// Who is born when a hadron breaks an element's nucleus up, when one captures a neutron, when a particle at rest decays
// or is captured, and when one decays where it is, of whose mass an orbit has given `bound` away.
void break_up(const Particle& hadron, const Element& element, Random& random, const Medium& medium, Record& record);
void capture_neutron(const Particle& neutron, const Element& element, Random& random, const Medium& medium,
                     Record& record);
void come_to_rest(Particle& particle, Random& random, const Medium& medium, Record& record);
void decay(const Particle& particle, double bound, Random& random, const Medium& medium, Record& record);

// Angle in units of m / E of radiated photons and of pairs: `charged.emission_angle`.
inline float emission_angle(Random& random) {
  const float slope = random.uniforms().first < 0.25f ? 0.625f : 1.875f;
  return (random.exponential() + random.exponential()) / slope;
}

}  // namespace nuforge
