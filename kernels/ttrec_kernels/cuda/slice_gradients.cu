// Gradient of each slice of the second and later cores: over the nodes that use it, prefix^T * node gradient. The nodes
// are sorted by slice, so that a slice's sum stays in registers until it is written.
#include "trie.cuh"

enum { NO_SLICE = 0x7fffffff };
enum { TILE_ROWS = 32, TILE_COLUMNS = 64, TILE_DEPTH = 16 };  // of the sum: slice rows, slice columns, terms
enum { THREADS = 256, OWN_ROWS = 4, OWN_COLUMNS = 2 };        // 8 warps of 4 rows; lanes 2 columns, 32 apart

// keys (most_cores - 1, size): the slice that a node of level k = 2 ... uses, NO_SLICE where there is no node.
extern "C" __global__ void slice_keys(Tables tables, Trie trie, int* keys) {
  wide at = (wide)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= (wide)trie.size * (tables.most_cores - 1)) return;
  int level = (int)(at / trie.size) + 2;
  wide i = at % trie.size;
  keys[at] = NO_SLICE;
  if (trie.head(1, i) < 0) return;
  Table table = trie.table(tables, i);
  if (level > table.cores() || trie.head(node_level(table, level), i) != i) return;
  Core core = table.core(level - 1);
  keys[at] = (int)(core.slice_start + train_row_at(table, trie, i) / core.tail % core.p);
}

__device__ inline wide first_at_least(const int* keys, wide count, wide key) {
  wide low = 0;
  while (low < count) {
    wide middle = low + (count - low) / 2;
    if (keys[middle] < key)
      low = middle + 1;
    else
      count = middle;
  }
  return low;
}

struct Run {
  wide begin, end;  // sorted nodes of one slice
  int level;
  Table table;
  Core core;
};

// Terms `first` ... of the sum into shared memory: a term is one row of a node's prefix and of its gradient.
__device__ inline void load_terms(const Trie& trie, const Slots& weights, const Levels& levels, const wide* nodes,
                                  const Run& run, wide first, int width, int row, int column, float* left,
                                  float* right) {
  int k = run.core.left, n = run.core.q * run.core.right;
  int child_level = node_level(run.table, run.level), own = levels.widths[child_level];
  wide terms = (run.end - run.begin) * width;
  for (int at = threadIdx.x; at < TILE_DEPTH * (TILE_ROWS + TILE_COLUMNS); at += THREADS) {
    int term = at / (TILE_ROWS + TILE_COLUMNS), place = at % (TILE_ROWS + TILE_COLUMNS);
    bool is_left = place < TILE_ROWS;
    int entry = is_left ? row + place : column + place - TILE_ROWS;
    float number = 0;
    if (first + term < terms && entry < (is_left ? k : n)) {
      wide node = run.begin + (first + term) / width, i = nodes[node] % trie.size;
      int line = (int)((first + term) % width);
      if (!is_left)
        number = levels.gradients[child_level][i * own + line * n + entry];
      else if (run.level == 2)
        number = to_float(slice_of(weights, run.table.core(0), train_row_at(run.table, trie, i))[line * k + entry]);
      else
        number = levels.prefixes[run.level - 1][(wide)trie.head(run.level - 1, i) * levels.widths[run.level - 1] +
                                                line * k + entry];
    }
    if (is_left)
      left[term * TILE_ROWS + place] = number;
    else
      right[term * TILE_COLUMNS + place - TILE_ROWS] = number;
  }
}

// One tile of a slice's gradient, added to it: by this block alone, or together with others.
__device__ inline void add_tile(const Trie& trie, const Slots& weights, const Levels& levels, const wide* nodes,
                                const Run& run, int row, int column, float* slice, bool alone, float* left,
                                float* right) {
  int width = run.table.width(run.level - 1), warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  int k = run.core.left, n = run.core.q * run.core.right;
  float sums[OWN_ROWS][OWN_COLUMNS] = {};
  for (wide first = 0; first < (run.end - run.begin) * width; first += TILE_DEPTH) {
    __syncthreads();
    load_terms(trie, weights, levels, nodes, run, first, width, row, column, left, right);
    __syncthreads();
#pragma unroll
    for (int term = 0; term < TILE_DEPTH; ++term)
#pragma unroll
      for (int u = 0; u < OWN_ROWS; ++u)
#pragma unroll
        for (int v = 0; v < OWN_COLUMNS; ++v)
          sums[u][v] +=
              left[term * TILE_ROWS + warp * OWN_ROWS + u] * right[term * TILE_COLUMNS + v * WARP + lane];
  }
#pragma unroll
  for (int u = 0; u < OWN_ROWS; ++u)
#pragma unroll
    for (int v = 0; v < OWN_COLUMNS; ++v) {
      int a = row + warp * OWN_ROWS + u, b = column + v * WARP + lane;
      if (a >= k || b >= n) continue;
      if (alone)
        slice[a * n + b] += sums[u][v];
      else
        atomicAdd(slice + a * n + b, sums[u][v]);
    }
}

// With a `chunk`, a block takes so many sorted nodes and adds atomically; without one, block x owns slice x. Blocks y
// share the tiles of a slice.
extern "C" __global__ void __launch_bounds__(THREADS)
    slice_gradients(Tables tables, Trie trie, Slots weights, Levels levels, Slots gradients, const int* keys,
                    const wide* nodes, wide count, int chunk) {
  extern __shared__ float shared[];
  float *left = shared, *right = shared + TILE_DEPTH * TILE_ROWS;
  wide begin, end;
  if (chunk) {
    begin = (wide)blockIdx.x * chunk;
    end = begin + chunk < count ? begin + chunk : count;
  } else {
    begin = first_at_least(keys, count, blockIdx.x);
    end = first_at_least(keys, count, (wide)blockIdx.x + 1);
  }
  while (begin < end && keys[begin] != NO_SLICE) {
    Run run;
    run.begin = run.end = begin;
    while (run.end < end && (!chunk || keys[run.end] == keys[begin])) run.end = chunk ? run.end + 1 : end;
    wide i = nodes[begin] % trie.size;
    run.level = (int)(nodes[begin] / trie.size) + 2;
    run.table = trie.table(tables, i);
    run.core = run.table.core(run.level - 1);
    wide digit = keys[begin] - run.core.slice_start;
    float* slice = (float*)gradients.at[run.core.slot] + run.core.offset + digit * run.core.slice();
    int across = (run.core.q * run.core.right + TILE_COLUMNS - 1) / TILE_COLUMNS;
    int tiles = across * ((run.core.left + TILE_ROWS - 1) / TILE_ROWS);
    if (!gradients.at[run.core.slot]) tiles = 0;  // not wanted
    for (int tile = blockIdx.y; tile < tiles; tile += gridDim.y)
      add_tile(trie, weights, levels, nodes, run, tile / across * TILE_ROWS, tile % across * TILE_COLUMNS, slice,
               !chunk, left, right);
    begin = run.end;
  }
}
