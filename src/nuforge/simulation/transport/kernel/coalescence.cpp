// Nucleons that leave a nucleus side by side leave as light nuclei, as `nucleus/coalescence.py` says it.

#include "nucleus.h"

namespace nuforge::nucleus {
namespace {

constexpr int kMost = 4;

Hadron formed(int nucleons, int64_t charge) {
  if (nucleons == 4) return charge == 2 ? kAlpha : kNobody;
  if (nucleons == 3) return charge == 1 ? kTriton : charge == 2 ? kHelium3 : kNobody;
  return charge == 1 ? kDeuteron : kNobody;
}

// The nucleons that leave a nucleus, and what they form.
class Nucleons {
 public:
  Nucleons(const std::vector<Flyer>& gone, const NuclearModel& model) : model_(model) {
    for (const Flyer& who : gone)
      if (is_nucleon(who.kind)) {
        free_.push_back(who);
        four_.push_back(who.outside(model));
      }
    const size_t n = free_.size();
    near_.assign(n * n, 0);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = i + 1; j < n; ++j) near_[i * n + j] = may_be_of_one(i, j);
  }

  bool any_near() const { return std::find(near_.begin(), near_.end(), 1) != near_.end(); }

  // Takes the nucleons of the light nucleus of `n` of them with the least relative motion, if there is one.
  bool form(int n, double limit, Flyer& nucleus) {
    best_.clear();
    least_ = HUGE_VAL;
    std::vector<size_t> group;
    search(group, 0, static_cast<size_t>(n), limit);
    if (best_.empty()) return false;
    nucleus = bound(best_);
    for (size_t place : best_) free_[place].kind = kNobody;
    return true;
  }

  void leave(std::vector<Flyer>& gone) const {
    for (const Flyer& who : free_)
      if (who.kind != kNobody) gone.push_back(who);
  }

 private:
  // Whether two could be of one alpha: who stays below a limit in the frame of a group does in that of any two of it.
  bool may_be_of_one(size_t i, size_t j) const {
    const double *mass = model_.hadron_masses, root = (four_[i] + four_[j]).mass();
    return two_body_momentum(root, mass[free_[i].kind], mass[free_[j].kind]) < model_.quadruple_limit;
  }

  bool fits(const std::vector<size_t>& group, size_t next) const {
    return free_[next].kind != kNobody &&
           std::all_of(group.begin(), group.end(), [&](size_t i) { return near_[i * free_.size() + next] != 0; });
  }

  void search(std::vector<size_t>& group, size_t from, size_t n, double limit) {
    if (group.size() == n) return judge(group, limit);
    for (size_t next = from; next < free_.size(); ++next) {
      if (!fits(group, next)) continue;
      group.push_back(next);
      search(group, next + 1, n, limit);
      group.pop_back();
    }
  }

  // A group is the best one if all its momenta are below the limit and its relative motion is the least so far.
  void judge(const std::vector<size_t>& group, double limit) {
    if (kind_of(group) == kNobody) return;
    const FourMomentum centre = sum_of(group).reversed();
    double energy = 0.0;
    for (size_t place : group) {
      const FourMomentum inside = four_[place].boosted(centre);
      if (size(inside.vector) >= limit) return;
      energy += inside.energy - model_.hadron_masses[free_[place].kind];
    }
    if (energy >= least_) return;
    least_ = energy;
    best_ = group;
  }

  Hadron kind_of(const std::vector<size_t>& group) const {
    int64_t charge = 0;
    for (size_t place : group) charge += model_.charges[free_[place].kind];
    return formed(static_cast<int>(group.size()), charge);
  }

  FourMomentum sum_of(const std::vector<size_t>& group) const {
    FourMomentum sum = FourMomentum::at_rest(0.0);
    for (size_t place : group) sum = sum + four_[place];
    return sum;
  }

  Flyer bound(const std::vector<size_t>& group) const {
    const Hadron kind = kind_of(group);
    const Momentum vector = sum_of(group).vector;
    const double mass = model_.hadron_masses[kind];
    return {kind, free_[group.front()].position, unit(vector), FourMomentum::of(vector, mass).kinetic(mass)};
  }

  const NuclearModel& model_;
  std::vector<Flyer> free_;  // nobody where one is bound
  std::vector<FourMomentum> four_;
  std::vector<char> near_;  // by both places, the first before the second
  std::vector<size_t> best_;
  double least_ = 0.0;
};

}  // namespace

void coalesce(std::vector<Flyer>& gone, const NuclearModel& model) {
  Nucleons nucleons(gone, model);
  if (!nucleons.any_near()) return;
  gone.erase(std::remove_if(gone.begin(), gone.end(), [](const Flyer& who) { return is_nucleon(who.kind); }),
             gone.end());
  const double limits[] = {model.quadruple_limit, model.triple_limit, model.pair_limit};
  for (int n = kMost; n >= 2; --n)
    for (Flyer nucleus; nucleons.form(n, limits[kMost - n], nucleus);) gone.push_back(nucleus);
  nucleons.leave(gone);
}

}  // namespace nuforge::nucleus
