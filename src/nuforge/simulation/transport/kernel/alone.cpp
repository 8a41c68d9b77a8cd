// Reactions of hadrons with one nucleus, without a detector.

#include "product_columns.h"

namespace nuforge::nucleus {
namespace {

enum Reaction { kInteraction, kMuonCapture, kPionCapture, kKaonCapture, kNeutronCapture };

void react(int64_t reaction, int64_t pdg, double kinetic, Momentum direction, const Nucleus& nucleus,
           const NuclearModel& model, Random& random, Products& products) {
  switch (reaction) {
    case kMuonCapture:
      return capture_muon(nucleus, model, random, products);
    case kPionCapture:
      return capture_hadron(kPiMinus, nucleus, model, random, products);
    case kKaonCapture:
      return capture_hadron(kKaonMinus, nucleus, model, random, products);
    case kNeutronCapture:
      return capture_neutron(kinetic, direction, nucleus, model, random, products);
    default:
      return interact(pdg, kinetic, direction, nucleus, model, random, products);
  }
}

}  // namespace
}  // namespace nuforge::nucleus

// What `n` particles leave, of which each has its own random numbers. Returns how many products there are; only those
// that fit into the columns are there.
extern "C" int64_t nuforge_react(const nuforge::nucleus::NuclearModel* model, const nuforge::nucleus::Nucleus* nucleus,
                                 int64_t reaction, int64_t n, const int64_t* pdg, const double* kinetic,
                                 const double* direction, uint64_t seed, int64_t* owner, int64_t* product_pdg,
                                 double* four, int64_t capacity) {
  using namespace nuforge;
  nucleus::ProductColumns columns{owner, product_pdg, four, capacity};
  nucleus::Products products;
  for (int64_t i = 0; i < n; ++i) {
    uint64_t key = seed ^ static_cast<uint64_t>(i);
    Random random(mixed(key));
    products.clear();
    nucleus::react(reaction, pdg[i], kinetic[i], {direction[3 * i], direction[3 * i + 1], direction[3 * i + 2]},
                   *nucleus, *model, random, products);
    columns.add(i, products);
  }
  return columns.rows;
}
