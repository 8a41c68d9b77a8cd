// Groups of nodes on a CPU: edges are taken by falling score, and each joins two groups if that lowers the cross entropy.

#include <cstdint>
#include <numeric>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crew.h"

namespace {

using nuforge::in_parallel;

constexpr int64_t DENSE = 2048;  // nodes of a component up to which all pairs have a place: 32 MB

// What it gains to join two groups, for all pairs: fast, as long as it fits. Sums of two numbers do not depend on their
// order, so it does not matter which group takes in which.
class Matrix {
 public:
  explicit Matrix(int64_t n) : n_(n), gain_(n * n) {}

  void add(int64_t a, int64_t b, double gain) {
    gain_[a * n_ + b] += gain;
    gain_[b * n_ + a] += gain;
  }

  double between(int64_t a, int64_t b) const { return gain_[a * n_ + b]; }
  bool wider(int64_t, int64_t) const { return true; }

  // a takes in b.
  void join(int64_t a, int64_t b) {
    for (int64_t other = 0; other < n_; ++other)
      gain_[other * n_ + a] = gain_[a * n_ + other] += gain_[b * n_ + other];
  }

 private:
  int64_t n_;
  std::vector<double> gain_;
};

// The same for pairs that have an edge.
class Lists {
 public:
  explicit Lists(int64_t n) : gain_(n) {}

  void add(int64_t a, int64_t b, double gain) {
    gain_[a][b] += gain;
    gain_[b][a] += gain;
  }

  double between(int64_t a, int64_t b) const { return gain_[a].at(b); }
  bool wider(int64_t a, int64_t b) const { return gain_[a].size() >= gain_[b].size(); }

  void join(int64_t a, int64_t b) {
    gain_[a].erase(b);
    for (const auto& [other, gain] : gain_[b]) {
      if (other == a) continue;
      gain_[other].erase(b);
      gain_[a][other] += gain;
      gain_[other][a] += gain;
    }
    gain_[b] = {};
  }

 private:
  std::vector<std::unordered_map<int64_t, double>> gain_;
};

// Edges of nodes from `low` on.
struct Edges {
  const int64_t *source, *target;
  int64_t n, low;

  std::pair<int64_t, int64_t> operator[](int64_t e) const { return {source[e] - low, target[e] - low}; }
};

// group (n): a node of the group of each of n nodes. All edges have a gain; those tried join groups.
template <class Gains>
void join(const Edges& all, const double* gain, const Edges& tried, int64_t n, int64_t* group) {
  Gains gains(n);
  for (int64_t e = 0; e < all.n; ++e) gains.add(all[e].first, all[e].second, gain[e]);
  std::vector<int64_t> parent(n);
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](int64_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (int64_t e = 0; e < tried.n; ++e) {
    int64_t a = root(tried[e].first), b = root(tried[e].second);
    if (a == b || !(gains.between(a, b) > 0)) continue;
    if (!gains.wider(a, b)) std::swap(a, b);
    gains.join(a, b);
    parent[b] = a;
  }
  for (int64_t i = 0; i < n; ++i) group[i] = all.low + root(i);
}

}  // namespace

extern "C" {

// group (n): a node of each node's group, the same for all nodes of the group. Component c has the nodes starts[c] to
// starts[c + 1], the edges edge_starts[c] to edge_starts[c + 1] of `source`, `target` and `gain`, and the edges
// tried_starts[c] to tried_starts[c + 1] of `tried_source` and `tried_target`, which may join, in this order.
void nuforge_partition(const int64_t* source, const int64_t* target, const double* gain, const int64_t* edge_starts,
                       const int64_t* tried_source, const int64_t* tried_target, const int64_t* tried_starts,
                       const int64_t* starts, int64_t n_components, int64_t* group, int threads) {
  in_parallel(n_components, threads, [&](int64_t c) {
    const int64_t low = starts[c], n = starts[c + 1] - low, first = edge_starts[c], next = tried_starts[c];
    const Edges all{source + first, target + first, edge_starts[c + 1] - first, low};
    const Edges tried{tried_source + next, tried_target + next, tried_starts[c + 1] - next, low};
    const auto run = n <= DENSE ? join<Matrix> : join<Lists>;
    run(all, gain + first, tried, n, group + low);
  });
}
}
