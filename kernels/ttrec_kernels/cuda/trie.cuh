// Sorted lookups as kernels of the backward pass see them: one part of the positions, their nodes, their buffers.
#pragma once
#include "tables.cuh"

struct Trie {
  const wide* keys;     // all sorted keys
  const wide* order;    // the lookup at each position
  const int* segments;  // table * bags + bag of each lookup
  const int* heads;     // see trie_heads
  wide bags, begin, count, first_cache_key, first_train_key;
  int size, unused;

  __device__ int head(int level, wide i) const { return heads[level * (wide)size + i]; }
  __device__ wide key(wide i) const { return keys[begin + i]; }
  __device__ int segment(wide i) const { return segments[order[begin + i]]; }
  __device__ Table table(const Tables& tables, wide i) const { return table_at(tables, (int)(segment(i) / bags)); }
};

// Floats of every node by its position: products of the first k cores, and gradients to them. Level 0 is the whole row.
struct Levels {
  float* prefixes[64];
  float* gradients[64];
  int widths[64];
};

__device__ inline wide train_row_at(const Table& table, const Trie& trie, wide i) {
  return trie.key(i) - table.extra()[KEY_START];
}

// Level at which the product of `cores` first cores is kept: that of all cores is the row.
__device__ inline int node_level(const Table& table, int cores) { return cores == table.cores() ? 0 : cores; }
