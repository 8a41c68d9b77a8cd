// Every particle that is handed in, and all that comes of it, to its end.

#include "flight.h"

namespace nuforge {
namespace {

// What happens next to a particle: whether it flies on.
bool step(Particle& who, Random& random, const Medium& medium, Record& record) {
  switch (who.species) {
    case kPhoton:
      return step_photon(who, random, medium, record);
    case kNeutral:
      return step_neutral(who, random, medium, record);
    case kShortLived:
      return fly_to_decay(who, random, medium, record);
    case kNucleus:
      return step_nucleus(who, medium, record);
    case kNeutrino:
      return false;
    default:
      return step_charged(who, random, medium, record);
  }
}

class Flying {
 public:
  Flying(const Medium& medium, const Flights& flights, const int64_t* processes, uint64_t seed, int64_t rows)
      : medium_(medium), flights_(flights), record_(processes, rows), seed_(seed) {}

  // Until the columns are full or nobody flies: whether somebody still does.
  bool fly(Segments* segments, Births* births, Escapes* escapes) {
    record_.fill(segments, births, escapes);
    for (;;) {
      if (!record_.has_room()) return true;
      if (!flies_ && !take()) return false;
      flies_ = step(who_, random_, medium_, record_);
    }
  }

 private:
  // The last who was born, or else the next who was handed in.
  bool take() {
    if (!record_.next(who_)) {
      if (next_ == flights_.n) return false;
      who_ = handed_in(next_++);
    }
    random_ = Random(who_.key);
    return flies_ = true;
  }

  Particle handed_in(int64_t i) const {
    const int64_t n = flights_.n;
    const int64_t* number = flights_.numbers + i;
    const float* s = flights_.state + i;
    const Kind kind = medium_.kind(number[0]);
    uint64_t key = seed_ ^ static_cast<uint64_t>(number[2 * n]);
    return {{s[0], s[n], s[2 * n]}, {s[3 * n], s[4 * n], s[5 * n]}, s[6 * n], flights_.time[i], kind.mass, number[0],
            kind.species, number[2 * n], number[3 * n], number[4 * n], kIonisation, mixed(key)};
  }

  const Medium medium_;
  const Flights flights_;
  Record record_;
  const uint64_t seed_;
  int64_t next_ = 0;
  bool flies_ = false;
  Particle who_{};
  Random random_;
};

}  // namespace
}  // namespace nuforge

// The arrays behind the pointers must live until `nuforge_flying_ends`.
extern "C" void* nuforge_flying_begins(const nuforge::Medium* medium, const nuforge::Flights* flights,
                                       const int64_t* processes, uint64_t seed, int64_t rows) {
  return new nuforge::Flying(*medium, *flights, processes, seed, rows);
}

extern "C" int nuforge_fly(void* flying, nuforge::Segments* segments, nuforge::Births* births,
                           nuforge::Escapes* escapes) {
  return static_cast<nuforge::Flying*>(flying)->fly(segments, births, escapes);
}

extern "C" void nuforge_flying_ends(void* flying) { delete static_cast<nuforge::Flying*>(flying); }
