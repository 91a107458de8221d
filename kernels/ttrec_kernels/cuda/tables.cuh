// What every kernel reads: the tables' lines, the lookups, and how numbers are stored.
//
// VALUE_T is the stored type of weights, outputs and their gradients; sums are always fp32. INDEX_T is the type of
// indices; all arithmetic on rows is in 64 bits. The launcher defines both; the defaults let a file compile alone.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#ifndef VALUE_T
#define VALUE_T float
#endif
#ifndef INDEX_T
#define INDEX_T long long
#endif

typedef long long wide;

enum { WARP = 32 };
enum : unsigned { ALL_LANES = 0xffffffffu };
enum : wide { NO_KEY = 0x7fffffffffffffffLL };  // a lookup of padding or of a bad index: sorts behind all others

// Columns of a table's line: those of layout.py, then what tables.py adds.
enum { KIND, ROWS, CORES, PADDING, CACHE_START, CACHE_CAPACITY, CACHE_ROW, CACHE_SLOT, SLOT, OFFSET, FIRST_CORE };
enum { CORE_P, CORE_Q, CORE_LEFT, CORE_SLOT, CORE_OFFSET, CORE_COLUMNS };
enum { KEY_START, CACHE_KEY_START, FIRST_CORE_EXTRA };
enum { SLICE_START, TAIL, STATE_START, CORE_EXTRA_COLUMNS };
enum { DENSE, TT };

enum { BAD_INDEX = 1, BAD_OFFSET = 2 };

struct Tables {
  const wide* lines;
  int count;
  int most_cores;
  int dim;
  int mean;
};

struct Cache {
  const wide* keys;
  const int* slots;
};

struct Lookups {
  const INDEX_T* indices;  // (bags, tables), or 1-D with offsets
  const wide* offsets;     // (tables * bags + 1), or null
  const VALUE_T* sample_weights;
  wide bags;
  wide count;
};

struct Slots {  // addresses by value: three of them and the rest stay below the 4 KB of a launch's arguments
  void* at[160];
};

struct Core {
  int p, q, left, right, slot;
  wide offset, tail, slice_start, state_start;
  __device__ int slice() const { return left * q * right; }
};

struct Table {
  const wide* line;
  int most_cores;

  __device__ wide operator[](int column) const { return line[column]; }
  __device__ const wide* extra() const { return line + FIRST_CORE + CORE_COLUMNS * most_cores; }
  __device__ int cores() const { return (int)line[CORES]; }
  __device__ bool is_tt() const { return line[KIND] == TT; }

  __device__ Core core(int k) const {  // k from 0
    const wide* own = line + FIRST_CORE + CORE_COLUMNS * k;
    const wide* more = extra() + FIRST_CORE_EXTRA + CORE_EXTRA_COLUMNS * k;
    Core core;
    core.p = (int)own[CORE_P];
    core.q = (int)own[CORE_Q];
    core.left = (int)own[CORE_LEFT];
    core.right = k + 1 < cores() ? (int)own[CORE_COLUMNS + CORE_LEFT] : 1;
    core.slot = (int)own[CORE_SLOT];
    core.offset = own[CORE_OFFSET];
    core.slice_start = more[SLICE_START];
    core.tail = more[TAIL];
    core.state_start = more[STATE_START];
    return core;
  }

  // Numbers of one column block up to core k (from 1): q_1 ... q_k.
  __device__ int width(int k) const {
    int width = 1;
    for (int at = 0; at < k; ++at) width *= (int)line[FIRST_CORE + CORE_COLUMNS * at + CORE_Q];
    return width;
  }
};

__device__ inline Table table_at(const Tables& tables, int t) {
  Table table;
  table.most_cores = tables.most_cores;
  table.line = tables.lines +
               (wide)t * (FIRST_CORE + FIRST_CORE_EXTRA + (CORE_COLUMNS + CORE_EXTRA_COLUMNS) * tables.most_cores);
  return table;
}

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(__half value) { return __half2float(value); }
__device__ inline float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ inline void store(float* place, float value) { *place = value; }
__device__ inline void store(__half* place, float value) { *place = __float2half_rn(value); }
__device__ inline void store(__nv_bfloat16* place, float value) { *place = __float2bfloat16_rn(value); }

__device__ inline const VALUE_T* numbers(const Slots& weights, wide slot, wide offset) {
  return (const VALUE_T*)weights.at[slot] + offset;
}

__device__ inline const VALUE_T* slice_of(const Slots& weights, const Core& core, wide row) {
  return numbers(weights, core.slot, core.offset + row / core.tail % core.p * core.slice());
}

// Cache row of a table's row, or -1. The index is at most half full, so probing ends at an empty entry.
__device__ inline wide cached_row(const Table& table, const Cache& cache, wide row) {
  wide start = table[CACHE_START];
  if (start < 0) return -1;
  wide capacity = table[CACHE_CAPACITY];
  unsigned long long hash = (unsigned long long)row * 0x9E3779B97F4A7C15ULL;
  int bits = 63 - __clzll(capacity);
  wide entry = bits ? (wide)(hash >> (64 - bits)) : 0;
  for (wide probes = 0; probes < capacity; ++probes) {
    wide key = cache.keys[start + entry];
    if (key == row) return table[CACHE_ROW] + cache.slots[start + entry];
    if (key < 0) return -1;
    entry = entry + 1 == capacity ? 0 : entry + 1;
  }
  return -1;
}

// Lookups of segment (table t, bag b), clamped into the list so that broken offsets read nothing foreign.
struct Span {
  wide begin, end;
};

__device__ inline Span span_of(const Lookups& lookups, const Tables& tables, wide t, wide b, wide* bad) {
  Span span;
  if (!lookups.offsets) {
    span.begin = b * tables.count + t;
    span.end = span.begin + 1;
    return span;
  }
  span.begin = lookups.offsets[t * lookups.bags + b];
  span.end = lookups.offsets[t * lookups.bags + b + 1];
  if (span.begin < 0 || span.end < span.begin || span.end > lookups.count) {
    if (bad && atomicCAS((unsigned long long*)bad, 0ULL, (unsigned long long)BAD_OFFSET) == 0) {
      bad[1] = t;
      bad[2] = b;
    }
    span.begin = span.end = 0;
  }
  return span;
}

// Whether a row may be read; the first bad index is recorded for the host to raise later.
__device__ inline bool is_row(const Table& table, wide t, wide row, wide* bad) {
  if (row >= 0 && row < table[ROWS]) return true;
  if (bad && atomicCAS((unsigned long long*)bad, 0ULL, (unsigned long long)BAD_INDEX) == 0) {
    bad[1] = t;
    bad[2] = row;
  }
  return false;
}
