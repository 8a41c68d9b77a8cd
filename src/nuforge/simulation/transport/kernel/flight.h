// Particles in flight and what they leave. `kernel/layout.py` mirrors the structures of pointers.

#pragma once

#include <cstdint>
#include <vector>

#include "medium.h"
#include "random.h"

namespace nuforge {

struct Particle {
  Vector position, direction;
  float energy;
  double time;
  int64_t pdg, species;
  int64_t row, event, interaction;
  uint64_t key;  // of its random numbers

  double momentum(double mass) const {
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

enum Process { kIonisation, kBremsstrahlung, kAnnihilation, kPairProduction, kComptonScatter, kPhotoelectric, kElasticScatter };
enum End { kStops, kDecays, kBreaksUp, kIsCaptured };

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

struct Endings {
  int64_t *numbers, *end;  // numbers (n, 5)
  float* state;            // (n, 7)
  double* time;
  int64_t capacity, n;
};

constexpr int64_t kRoom = 4;  // rows that one step fills at most

// Takes what particles leave. Those that are born wait on a stack.
class Record {
 public:
  Record(const int64_t* processes, int64_t rows) : processes_(processes), rows_(rows) {}

  void fill(Segments* segments, Births* births, Escapes* escapes, Endings* endings) {
    segments_ = segments;
    births_ = births;
    escapes_ = escapes;
    endings_ = endings;
  }

  bool has_room() const {
    return segments_->n + kRoom <= segments_->capacity && births_->n + kRoom <= births_->capacity &&
           escapes_->n + kRoom <= escapes_->capacity && endings_->n + kRoom <= endings_->capacity;
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

  // A particle begins where its parent is, with random numbers of its own.
  void begin(const Particle& parent, Random& random, Species species, Process process, Vector direction, float energy,
             float mass) {
    constexpr int64_t pdg[] = {22, 11, -11};
    waiting_.push_back(born(parent, random, pdg[species + 1], species, process, direction, energy, mass));
  }

  // A particle begins, and waits for nothing yet.
  Particle born(const Particle& parent, Random& random, int64_t pdg, Species species, Process process,
                Vector direction, float energy, float mass) {
    Births& b = *births_;
    const int64_t i = b.n++;
    b.event[i] = parent.event;
    b.pdg[i] = pdg;
    b.parent[i] = parent.row;
    b.process[i] = processes_[process];
    put(b.start, i, parent.position);
    b.time[i] = parent.time;
    put(b.momentum, i, direction * std::sqrt(energy * (energy + 2.0f * mass)));
    b.interaction[i] = parent.interaction;
    return {parent.position, direction,    energy,             parent.time,  pdg, species,
            rows_++,         parent.event, parent.interaction, random.bits()};
  }

  void wait(const Particle& particle) { waiting_.push_back(particle); }

  // The particle leaves the box.
  void escape(const Particle& who) {
    const int64_t i = escapes_->n++;
    escapes_->row[i] = who.row;
    escapes_->energy[i] = who.energy;
  }

  // What becomes of the particle is not decided here.
  void hand_back(const Particle& who, End end) {
    Endings& e = *endings_;
    const int64_t i = e.n++;
    const int64_t species = who.species < kPhoton ? kPhoton : who.species;
    const int64_t numbers[] = {who.pdg, species, who.row, who.event, who.interaction};
    std::memcpy(e.numbers + 5 * i, numbers, sizeof numbers);
    e.end[i] = end;
    const float state[] = {who.position.x,  who.position.y,  who.position.z, who.direction.x,
                           who.direction.y, who.direction.z, who.energy};
    std::memcpy(e.state + 7 * i, state, sizeof state);
    e.time[i] = who.time;
  }

  bool next(Particle& who) {
    if (waiting_.empty()) return false;
    who = waiting_.back();
    waiting_.pop_back();
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
  Endings* endings_ = nullptr;
  std::vector<Particle> waiting_;
};

// One step of a charged particle, one flight of a photon to its next interaction: whether it flies on.
bool step_charged(Particle& particle, Random& random, const Medium& medium, Record& record);
bool step_photon(Particle& photon, Random& random, const Medium& medium, Record& record);

// The flight of a neutron or K0_L to the next nucleus, and what any hadron does that meets one: whether it flies on.
bool step_neutral(Particle& hadron, Random& random, const Medium& medium, Record& record);
bool meet_nucleus(Particle& hadron, Random& random, const Medium& medium, Record& record);

// Angle in units of m / E of radiated photons and of pairs: `charged.emission_angle`.
inline float emission_angle(Random& random) {
  const float slope = random.uniforms().first < 0.25f ? 0.625f : 1.875f;
  return (random.exponential() + random.exponential()) / slope;
}

}  // namespace nuforge
