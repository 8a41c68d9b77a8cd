// Columns in which products of many nuclei are handed over.

#pragma once

#include <cstring>

#include "nucleus.h"

namespace nuforge::nucleus {

struct ProductColumns {
  int64_t *owner, *pdg;
  double* four;
  int64_t capacity;
  int64_t rows = 0;  // of all products; only those that fit into the columns are there

  void add(int64_t who, const Products& products) {
    for (const Product& product : products) {
      if (rows < capacity) {
        owner[rows] = who;
        pdg[rows] = product.pdg;
        const double numbers[] = {product.four.energy, product.four.vector.x, product.four.vector.y,
                                  product.four.vector.z};
        std::memcpy(four + 4 * rows, numbers, sizeof numbers);
      }
      ++rows;
    }
  }
};

}  // namespace nuforge::nucleus
