// Who is born of nuclei that particles break up, or that take them in at rest, as `transport/hadronic.py` and
// `transport/rest.py` make them.

#include "flight.h"

namespace nuforge {
namespace {

using nucleus::Product;
using nucleus::Products;

constexpr int64_t kLongKaon = 130, kShortKaon = 310, kNeutralKaon = 311, kMuon = 13, kNegativePion = -211;

// K0 become K0_S and K0_L evenly.
void begin(const Particle& who, const Products& products, Process process, Random& random, const Medium& medium,
           Record& record) {
  for (const Product& product : products) {
    int64_t pdg = product.pdg;
    if (std::abs(pdg) == kNeutralKaon) pdg = random.uniforms().first < 0.5f ? kShortKaon : kLongKaon;
    record.begin(who, random, medium.kind(pdg), process, product.four);
  }
}

Momentum direction_of(const Particle& who) { return {who.direction.x, who.direction.y, who.direction.z}; }

// The element at which a negative particle comes to rest.
const Element& stopped_at(const Medium& medium, Random& random) {
  const double u = random.uniform();
  int64_t i = 0;
  while (i < medium.n_elements - 1 && u >= medium.elements[i].stopping) ++i;
  return medium.elements[i];
}

// X-rays of the last two steps of a muon that falls, what came before as a deposit; then it decays, or is captured.
void capture_muon(Particle& who, double lifetime, const Element& element, Random& random, const Medium& medium,
                  Record& record) {
  const double* orbits = element.nucleus.orbits;
  record.deposit(who, static_cast<float>(orbits[2]));
  for (const double energy : {orbits[0] - orbits[1], orbits[1] - orbits[2]})
    record.begin(who, random, medium.photon(), kCaptureAtRest, random.direction<float>(), static_cast<float>(energy));
  const double rate = 1.0 / lifetime + element.muon_capture;
  who.time += random.exponential() / rate;
  if (random.uniform() < 1.0 / (lifetime * rate)) {
    decay(who, orbits[0], random, medium, record);
  } else {
    Products products;
    nucleus::capture_muon(element.nucleus, *medium.model, random, products);
    begin(who, products, kCaptureAtRest, random, medium, record);
  }
}

}  // namespace

void break_up(const Particle& who, const Element& element, Random& random, const Medium& medium, Record& record) {
  int64_t pdg = who.pdg;
  if (pdg == kLongKaon) pdg = random.uniforms().first < 0.5f ? kNeutralKaon : -kNeutralKaon;
  Products products;
  nucleus::interact(pdg, who.energy, direction_of(who), element.nucleus, *medium.model, random, products);
  begin(who, products, kInelasticCollision, random, medium, record);
}

void capture_neutron(const Particle& who, const Element& element, Random& random, const Medium& medium,
                     Record& record) {
  Products products;
  nucleus::capture_neutron(who.energy, direction_of(who), element.nucleus, *medium.model, random, products);
  begin(who, products, kNeutronCapture, random, medium, record);
}

void come_to_rest(Particle& who, Random& random, const Medium& medium, Record& record) {
  const Kind kind = medium.kind(who.pdg);
  if (!kind.captured) {
    who.time += random.exponential() * kind.lifetime;
    decay(who, 0.0, random, medium, record);
    return;
  }
  const Element& element = stopped_at(medium, random);
  if (who.pdg == kMuon) return capture_muon(who, kind.lifetime, element, random, medium, record);
  Products products;
  const nucleus::Hadron hadron = who.pdg == kNegativePion ? nucleus::kPiMinus : nucleus::kKaonMinus;
  nucleus::capture_hadron(hadron, element.nucleus, *medium.model, random, products);
  begin(who, products, kCaptureAtRest, random, medium, record);
}

}  // namespace nuforge
