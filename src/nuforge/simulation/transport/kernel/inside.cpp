// Cascades of hadrons that begin inside nuclei, as a neutrino leaves them, and the nuclei's ends.

#include "product_columns.h"

// Of each of `n` nuclei: hadrons from `first[i]` to `first[i + 1]`, with the kinetic energy that they have outside;
// protons and nucleons that are left beside them (`left`, two a nucleus), and the four-momentum of everything. Each has
// its own random numbers. Returns how many products there are; only those that fit into the columns are there.
extern "C" int64_t nuforge_leave(const nuforge::nucleus::NuclearModel* model, const nuforge::nucleus::Nucleus* nucleus,
                                 int64_t n, const int64_t* first, const int64_t* kind, const double* position,
                                 const double* direction, const double* energy, const int64_t* left,
                                 const double* total, uint64_t seed, int64_t* owner, int64_t* product_pdg, double* four,
                                 int64_t capacity) {
  using namespace nuforge;
  using nucleus::Flyer;
  nucleus::ProductColumns columns{owner, product_pdg, four, capacity};
  nucleus::Products products;
  std::vector<Flyer> swarm;
  for (int64_t i = 0; i < n; ++i) {
    uint64_t key = seed ^ static_cast<uint64_t>(i);
    Random random(mixed(key));
    nucleus::Target target(*nucleus);
    target.z = left[2 * i];
    target.a = left[2 * i + 1];
    swarm.clear();
    for (int64_t j = first[i]; j < first[i + 1]; ++j) {
      const double *at = position + 3 * j, *way = direction + 3 * j;
      swarm.push_back({static_cast<nucleus::Hadron>(kind[j]), {at[0], at[1], at[2]}, {way[0], way[1], way[2]},
                       energy[j]});
    }
    const double* sum = total + 4 * i;
    products.clear();
    nucleus::settle(nucleus::cascade(swarm, target, *model, random), target, {sum[0], {sum[1], sum[2], sum[3]}},
                    nucleus::kNobody, *model, random, products);
    columns.add(i, products);
  }
  return columns.rows;
}
