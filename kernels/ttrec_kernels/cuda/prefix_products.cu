// Product of the first `level` cores, once for each distinct prefix: prefix(level) = prefix(level - 1) * slice.
// A warp for each position; those that begin no node leave at once.
#include "table_row.cuh"
#include "trie.cuh"

extern "C" __global__ void __launch_bounds__(256)
    prefix_products(Tables tables, Trie trie, Slots weights, Levels levels, int level) {
  int lane = threadIdx.x % WARP;
  wide i = (wide)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  if (i >= trie.size || trie.head(level, i) != i) return;
  Table table = trie.table(tables, i);
  wide row = train_row_at(table, trie, i);
  Core core = table.core(level - 1);
  int width = table.width(level - 1);
  const VALUE_T* slice = slice_of(weights, core, row);
  float* product = levels.prefixes[level] + i * levels.widths[level];
  if (level == 2) {
    multiply(slice_of(weights, table.core(0), row), width, core.left, slice, core.q * core.right, product, lane);
    return;
  }
  const float* left = levels.prefixes[level - 1] + (wide)trie.head(level - 1, i) * levels.widths[level - 1];
  multiply(left, width, core.left, slice, core.q * core.right, product, lane);
}
