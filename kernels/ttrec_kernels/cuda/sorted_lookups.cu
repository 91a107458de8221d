// Lookups as sorted keys. A key is a row's place among all rows of all tables: first those of dense tables, then those
// of caches, then those of tensor trains, so that equal rows, and rows of equal first digits, lie side by side.
#include "tables.cuh"

// Segment table * bags + bag, and key, of each lookup; NO_KEY for padding, bad indices and lookups of no bag.
extern "C" __global__ void lookup_keys(Tables tables, Cache cache, Lookups lookups, wide* keys, int* segments) {
  wide j = (wide)blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= lookups.count) return;
  wide t, b;
  keys[j] = NO_KEY;
  segments[j] = 0;
  if (lookups.offsets) {
    wide low = 0, high = lookups.bags * tables.count;  // the last segment that begins at or before j
    if (high == 0 || j < lookups.offsets[0] || j >= lookups.offsets[high]) return;
    while (high - low > 1) {
      wide middle = low + (high - low) / 2;
      if (lookups.offsets[middle] <= j)
        low = middle;
      else
        high = middle;
    }
    t = low / lookups.bags;
    b = low - t * lookups.bags;
  } else {
    b = j / tables.count;
    t = j - b * tables.count;
  }
  Table table = table_at(tables, (int)t);
  segments[j] = (int)(t * lookups.bags + b);
  wide row = lookups.indices[j];
  if ((row == table[PADDING] && row >= 0) || !is_row(table, t, row, 0)) return;
  wide cached = cached_row(table, cache, row);
  keys[j] = cached >= 0 ? table.extra()[CACHE_KEY_START] + cached - table[CACHE_ROW] : table.extra()[KEY_START] + row;
}

// 1 / lookups of each bag, padding left out, for the mean.
extern "C" __global__ void bag_scales(Tables tables, Lookups lookups, float* scales) {
  wide at = (wide)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= lookups.bags * tables.count) return;
  wide t = at / lookups.bags;
  Table table = table_at(tables, (int)t);
  Span span = span_of(lookups, tables, t, at - t * lookups.bags, 0);
  int counted = 0;
  for (wide j = span.begin; j < span.end; ++j) {
    wide row = lookups.indices[j];
    counted += !(row == table[PADDING] && row >= 0);
  }
  scales[at] = counted ? 1.0f / counted : 0.0f;
}

__device__ inline wide first_at_least(const wide* keys, wide low, wide high, wide key) {
  while (low < high) {
    wide middle = low + (high - low) / 2;
    if (keys[middle] < key)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// The digit trie over the sorted keys of one part, `begin` <= position < `begin + size`. A node is the set of
// positions that share their row (level 0) or their first k digits (level k, 1 <= k < cores), and it is called by its
// first position. heads[level * size + i] is the node of position i, counted from `begin`; -1 where there is none.
extern "C" __global__ void trie_heads(Tables tables, wide bags, const wide* keys, const wide* order,
                                      const int* segments, wide first_train_key, wide begin, int size, int* heads) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= size) return;
  wide key = keys[begin + i];
  for (int level = 0; level < tables.most_cores || level == 0; ++level) heads[(wide)level * size + i] = -1;
  if (key == NO_KEY) return;
  heads[i] = (int)(first_at_least(keys, begin, begin + i, key) - begin);
  if (key < first_train_key) return;
  Table table = table_at(tables, (int)(segments[order[begin + i]] / bags));
  wide start = table.extra()[KEY_START];
  for (int level = 1; level < table.cores(); ++level) {
    wide tail = table.core(level - 1).tail;
    wide first = start + (key - start) / tail * tail;
    heads[(wide)level * size + i] = (int)(first_at_least(keys, begin, begin + i, first) - begin);
  }
}
