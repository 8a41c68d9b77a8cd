// Rows in the order of their events, copied run by run.

#include <cstdint>
#include <cstring>

// Runs of equal numbers: where each begins; returns how many there are. `begins` has room for n.
extern "C" int64_t nuforge_runs(const int64_t* numbers, int64_t n, int64_t* begins) {
  int64_t runs = 0;
  for (int64_t i = 0; i < n; ++i)
    if (i == 0 || numbers[i] != numbers[i - 1]) begins[runs++] = i;
  return runs;
}

// Copies runs of rows of `width` bytes, one after the other.
extern "C" void nuforge_gather(const char* rows, const int64_t* begins, const int64_t* counts, int64_t runs,
                               int64_t width, char* out) {
  for (int64_t r = 0; r < runs; ++r) {
    const int64_t bytes = counts[r] * width;
    std::memcpy(out, rows + begins[r] * width, bytes);
    out += bytes;
  }
}
