// Gradient of each distinct prefix: the sum over its children of child gradient * slice^T, in a fixed order, in chunks
// of positions, then over the chunks.
#include "trie.cuh"

enum { TILE = WARP, PITCH = TILE + 1, ROWS_AT_ONCE = 4 };

// place (m, k) = or += child (m, n) * slice (k, n)^T by one warp: lane a owns column a; `tile` turns the slice, which is
// read in whole lines.
__device__ inline void add_child(const float* child, int m, int k, const VALUE_T* slice, int n, float* place, bool add,
                                 float* tile, int lane) {
  for (int first_a = 0; first_a < k; first_a += TILE) {
    int rows = k - first_a < TILE ? k - first_a : TILE;
    for (int first = 0; first < m; first += ROWS_AT_ONCE) {
      int kept = m - first < ROWS_AT_ONCE ? m - first : ROWS_AT_ONCE;
      const float* lines = child + first * n;
      float sums[ROWS_AT_ONCE] = {};
      for (int first_n = 0; first_n < n; first_n += TILE) {
        int columns = n - first_n < TILE ? n - first_n : TILE;
        __syncwarp();
        for (int at = lane; at < rows * columns; at += WARP) {
          int a = at / columns, column = at - a * columns;
          tile[a * PITCH + column] = to_float(slice[(first_a + a) * n + first_n + column]);
        }
        __syncwarp();
        int own = lane < rows ? lane : 0;  // lanes without a column add what they drop
        for (int column = 0; column < columns; ++column) {
          float number = tile[own * PITCH + column];
#pragma unroll
          for (int u = 0; u < ROWS_AT_ONCE; ++u)
            sums[u] += number * lines[(u < kept ? u : 0) * n + first_n + column];
        }
      }
      float* numbers = place + first * k + first_a + lane;
#pragma unroll
      for (int u = 0; u < ROWS_AT_ONCE; ++u)
        if (lane < rows && u < kept) numbers[u * k] = add ? numbers[u * k] + sums[u] : sums[u];
    }
  }
}

// Gradients of level - 1 at the first position of each node in each chunk: the children of `level` that begin there.
// Without launch bounds: with them, ptxas spills registers for an occupancy that shared memory does not allow anyway.
extern "C" __global__ void prefix_partials(Tables tables, Trie trie, Slots weights, Levels levels, int level,
                                           int chunk) {
  extern __shared__ float shared[];
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  float* tile = shared + warp * TILE * PITCH;
  wide first = ((wide)blockIdx.x * (blockDim.x / WARP) + warp) * chunk;
  wide last = first + chunk < trie.size ? first + chunk : trie.size;
  int parent = -1;
  float* place = 0;
  bool begun = false;
  for (wide i = first; i < last; ++i) {
    int head = trie.head(level - 1, i);
    if (head < 0) continue;
    Table table = trie.table(tables, i);
    Core core = table.core(level - 1);
    int width = table.width(level - 1);
    if (head != parent) {
      parent = head;
      place = levels.gradients[level - 1] + i * levels.widths[level - 1];
      begun = false;
    }
    int child_level = node_level(table, level);
    bool child = trie.head(child_level, i) == i;
    if (child) {
      const float* gradient = levels.gradients[child_level] + i * levels.widths[child_level];
      const VALUE_T* slice = slice_of(weights, core, train_row_at(table, trie, i));
      add_child(gradient, width, core.left, slice, core.q * core.right, place, begun, tile, lane);
    } else if (!begun) {
      for (int at = lane; at < width * core.left; at += WARP) place[at] = 0;
    }
    begun = true;
  }
}

// The chunks of each node of level - 1 together, at the node. Level 1 is the first core itself: one node, one slice.
extern "C" __global__ void __launch_bounds__(256)
    prefix_totals(Tables tables, Trie trie, Levels levels, Slots gradients, int level, int chunk) {
  int lane = threadIdx.x % WARP;
  wide i = (wide)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  if (i >= trie.size || trie.head(level - 1, i) != i) return;
  Table table = trie.table(tables, i);
  Core core = table.core(level - 2);
  int width = levels.widths[level - 1], size = table.width(level - 1) * core.right;
  float* place = levels.gradients[level - 1] + i * width;
  wide digit = train_row_at(table, trie, i) / core.tail;
  float* slice = 0;
  if (level == 2 && gradients.at[core.slot])
    slice = (float*)gradients.at[core.slot] + core.offset + digit * core.slice();
  for (int at = lane; at < size; at += WARP) {
    float total = place[at];
    for (wide next = (i / chunk + 1) * chunk; next < trie.size && trie.head(level - 1, next) == i; next += chunk)
      total += levels.gradients[level - 1][next * width + at];
    if (slice)
      slice[at] += total;
    else
      place[at] = total;
  }
}
