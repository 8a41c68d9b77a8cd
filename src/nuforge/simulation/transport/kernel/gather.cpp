// Rows of many parts in the order of their events, copied run by run.

#include <cstdint>
#include <cstring>

// Runs of equal events: the part and its row at which each begins, rows, event. Returns how many there are, and only
// counts them if `part` is null.
extern "C" int64_t nuforge_runs(const int64_t* const* events, const int64_t* sizes, int64_t parts, int64_t* part,
                                int64_t* begins, int64_t* counts, int64_t* event) {
  int64_t runs = 0;
  for (int64_t p = 0; p < parts; ++p) {
    const int64_t* of = events[p];
    for (int64_t i = 0, end; i < sizes[p]; i = end, ++runs) {
      for (end = i + 1; end < sizes[p] && of[end] == of[i];) ++end;
      if (part == nullptr) continue;
      part[runs] = p;
      begins[runs] = i;
      counts[runs] = end - i;
      event[runs] = of[i];
    }
  }
  return runs;
}

// Copies runs of rows of `width` bytes, one after the other.
extern "C" void nuforge_gather(const char* const* parts, const int64_t* part, const int64_t* begins,
                               const int64_t* counts, int64_t runs, int64_t width, char* out) {
  for (int64_t r = 0; r < runs; ++r) {
    const int64_t bytes = counts[r] * width;
    std::memcpy(out, parts[part[r]] + begins[r] * width, bytes);
    out += bytes;
  }
}
