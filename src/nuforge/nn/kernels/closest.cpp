// Closest points of pairs of clusters on a CPU: a tree of boxes for each cluster, and for each pair a search through both
// trees at once that leaves out what cannot hold the answer.

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF  // every build, and the path without a compiler, finds the same of almost equal distances
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "crew.h"

namespace {

using nuforge::in_parallel;

constexpr int64_t LEAF = 16;      // places of a leaf; a leaf that has a sibling is at least half full
constexpr int64_t LANES = 8;      // points whose distance is found at once
constexpr int64_t TOGETHER = 16;  // pairs that a thread takes at once
constexpr double FAR = std::numeric_limits<double>::infinity();

typedef double Doubles __attribute__((vector_size(LANES * sizeof(double))));

// A box around some points. An inner node has its first child right behind it.
struct Node {
  double low[3], high[3];
  int64_t lowest;         // of the rows inside
  int64_t leaf, n;        // of a leaf: its number, and its points
  const Node* second = nullptr;  // of an inner node
};

// The points of a leaf: coordinates by axis, infinity where there is no more point.
struct Leaf {
  double place[3][LEAF];
  int64_t row[LEAF];
};

// A tree for each cluster, in rooms that are known beforehand: n points have at most n / 8 + 1 leaves, twice as many nodes.
class Forest {
 public:
  Forest(const double* position, const int64_t* row, const int64_t* starts, int64_t n)
      : position_(position), row_(row), starts_(starts), leaves_(leaf(n)), nodes_(2 * leaf(n)) {}

  void plant(int64_t c) {
    std::vector<int64_t> members(starts_[c + 1] - starts_[c]);
    if (members.empty()) return;
    std::iota(members.begin(), members.end(), starts_[c]);
    Node* node = nodes_.data() + 2 * leaf(c);
    int64_t number = leaf(c);
    grow(members.data(), members.data() + members.size(), node, number);
  }

  const Node* root(int64_t c) const { return nodes_.data() + 2 * leaf(c); }
  const Leaf& leaf_of(const Node* node) const { return leaves_[node->leaf]; }

 private:
  int64_t leaf(int64_t c) const { return starts_[c] / (LEAF / 2) + c; }

  void grow(int64_t* begin, int64_t* end, Node*& next, int64_t& number) {
    Node* node = next++;
    surround(begin, end, node);
    if (end - begin <= LEAF) return fill(begin, end, node, number++);
    int axis = 0;
    for (int a = 1; a < 3; ++a)
      if (node->high[a] - node->low[a] > node->high[axis] - node->low[axis]) axis = a;
    int64_t* middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end,
                     [&](int64_t i, int64_t j) { return position_[3 * i + axis] < position_[3 * j + axis]; });
    grow(begin, middle, next, number);
    node->second = next;
    grow(middle, end, next, number);
  }

  void surround(const int64_t* begin, const int64_t* end, Node* node) const {
    std::fill(node->low, node->low + 3, FAR);
    std::fill(node->high, node->high + 3, -FAR);
    node->lowest = row_[*std::min_element(begin, end)];  // rows of a cluster rise
    for (; begin < end; ++begin)
      for (int a = 0; a < 3; ++a) {
        const double x = position_[3 * *begin + a];
        node->low[a] = std::min(node->low[a], x);
        node->high[a] = std::max(node->high[a], x);
      }
  }

  void fill(const int64_t* begin, const int64_t* end, Node* node, int64_t number) {
    node->leaf = number;
    node->n = end - begin;
    Leaf& leaf = leaves_[number];
    for (int64_t i = 0; i < LEAF; ++i) {
      for (int a = 0; a < 3; ++a) leaf.place[a][i] = i < node->n ? position_[3 * begin[i] + a] : FAR;
      leaf.row[i] = i < node->n ? row_[begin[i]] : -1;
    }
  }

  const double* position_;
  const int64_t *row_, *starts_;
  std::vector<Leaf> leaves_;
  std::vector<Node> nodes_;
};

// What was found so far for a pair; of equal distances the lowest first row, then the lowest second row, counts.
struct Best {
  double square;
  int64_t first, second;

  bool is_beaten_by(double other, int64_t a, int64_t b) const {
    if (other != square) return other < square;
    return a != first ? a < first : b < second;
  }
};

// Squared distance of two boxes, summed as that of points is, so it is never larger by rounding.
double gap(const Node* a, const Node* b) {
  double square = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const double step = std::max({0.0, b->low[axis] - a->high[axis], a->low[axis] - b->high[axis]});
    square += step * step;
  }
  return square;
}

Doubles squares(const Leaf& a, int64_t i, const Leaf& b, int64_t j) {
  Doubles sum{};
  for (int axis = 0; axis < 3; ++axis) {
    Doubles step;
    std::memcpy(&step, b.place[axis] + j, sizeof step);
    step -= a.place[axis][i];
    sum += step * step;
  }
  return sum;
}

// All pairs of two leaves: the smallest first, since most leaves do not beat what was found.
void compare(const Leaf& a, int64_t n_a, const Leaf& b, int64_t n_b, Best& best) {
  Doubles least = Doubles{} + FAR;
  for (int64_t i = 0; i < n_a; ++i)
    for (int64_t j = 0; j < LEAF; j += LANES) {
      const Doubles square = squares(a, i, b, j);
      least = square < least ? square : least;
    }
  double smallest = FAR;
  for (int64_t lane = 0; lane < LANES; ++lane) smallest = std::min(smallest, least[lane]);
  if (smallest > best.square) return;
  for (int64_t i = 0; i < n_a; ++i)
    for (int64_t j = 0; j < n_b; j += LANES) {
      const Doubles square = squares(a, i, b, j);
      for (int64_t lane = 0; lane < std::min(LANES, n_b - j); ++lane)
        if (square[lane] == smallest && best.is_beaten_by(smallest, a.row[i], b.row[j + lane]))
          best = {smallest, a.row[i], b.row[j + lane]};
    }
}

void search(const Forest& forest, const Node* a, const Node* b, double away, Best& best) {
  if (!best.is_beaten_by(away, a->lowest, b->lowest)) return;
  if (!a->second && !b->second) return compare(forest.leaf_of(a), a->n, forest.leaf_of(b), b->n, best);
  const auto size = [](const Node* node) {
    return node->high[0] - node->low[0] + node->high[1] - node->low[1] + node->high[2] - node->low[2];
  };
  const bool of_a = a->second && (!b->second || size(a) >= size(b));
  const Node* child[2] = {of_a ? a + 1 : b + 1, of_a ? a->second : b->second};
  double next[2];
  for (int k = 0; k < 2; ++k) next[k] = of_a ? gap(child[k], b) : gap(a, child[k]);
  const int nearer = next[1] < next[0] || (next[1] == next[0] && child[1]->lowest < child[0]->lowest);
  for (int k : {nearer, 1 - nearer})
    of_a ? search(forest, child[k], b, next[k], best) : search(forest, a, child[k], next[k], best);
}

}  // namespace

extern "C" {

// For each pair of clusters the rows of the two closest points (2, n_pairs), the first cluster's first, and their squared
// distance; -1 where it is not below the pair's limit. position (starts[n], 3) and row by cluster, rows of a cluster
// rising; starts (n + 1); first, second and limit (a square) (n_pairs). No cluster of a pair is empty.
void nuforge_closest(const double* position, const int64_t* row, const int64_t* starts, int64_t n, const int64_t* first,
                     const int64_t* second, const double* limit, int64_t n_pairs, int64_t* found, double* square,
                     int threads) {
  Forest forest(position, row, starts, n);
  in_parallel(n, threads, [&](int64_t c) { forest.plant(c); });
  in_parallel((n_pairs + TOGETHER - 1) / TOGETHER, threads, [&](int64_t block) {
    for (int64_t p = block * TOGETHER; p < std::min(n_pairs, (block + 1) * TOGETHER); ++p) {
      const Node *a = forest.root(first[p]), *b = forest.root(second[p]);
      Best best{limit[p], -1, -1};
      search(forest, a, b, gap(a, b), best);
      found[p] = best.first;
      found[n_pairs + p] = best.second;
      square[p] = best.square;
    }
  });
}
}
