// Groups of nodes on a CPU: edges are taken by falling score, and each joins two groups if that lowers the cross entropy.

#include <cstdint>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "crew.h"

namespace {

using nuforge::in_parallel;

// The nodes of one component as groups, and what to join two of them would gain.
class Groups {
 public:
  explicit Groups(int64_t n) : gain_(n), parent_(n) { std::iota(parent_.begin(), parent_.end(), 0); }

  void add(int64_t a, int64_t b, double gain) {
    gain_[a][b] += gain;
    gain_[b][a] += gain;
  }

  int64_t of(int64_t node) {
    while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
    return node;
  }

  // Sums of two numbers do not depend on their order, so it does not matter which group takes in which.
  void join_if_it_gains(int64_t a, int64_t b) {
    a = of(a);
    b = of(b);
    if (a == b || !(gain_[a].at(b) > 0)) return;
    if (gain_[a].size() < gain_[b].size()) std::swap(a, b);
    parent_[b] = a;
    gain_[a].erase(b);
    for (const auto& [other, gain] : gain_[b]) {
      gain_[other].erase(b);
      if (other == a) continue;
      gain_[a][other] += gain;
      gain_[other][a] += gain;
    }
    gain_[b] = {};
  }

 private:
  std::vector<std::unordered_map<int64_t, double>> gain_;
  std::vector<int64_t> parent_;
};

}  // namespace

extern "C" {

// group (n): a node of each node's group, the same for all nodes of the group. Component c has the nodes starts[c] to
// starts[c + 1] and the edges edge_starts[c] to edge_starts[c + 1] by falling score, the first tried[c] of which may join.
void nuforge_partition(const int64_t* source, const int64_t* target, const double* gain, const int64_t* edge_starts,
                       const int64_t* tried, const int64_t* starts, int64_t n_components, int64_t* group, int threads) {
  in_parallel(n_components, threads, [&](int64_t c) {
    const int64_t low = starts[c], n = starts[c + 1] - low;
    Groups groups(n);
    for (int64_t e = edge_starts[c]; e < edge_starts[c + 1]; ++e) groups.add(source[e] - low, target[e] - low, gain[e]);
    for (int64_t e = edge_starts[c]; e < edge_starts[c] + tried[c]; ++e)
      groups.join_if_it_gains(source[e] - low, target[e] - low);
    for (int64_t i = 0; i < n; ++i) group[low + i] = low + groups.of(i);
  });
}
}
