// One row of any table, by one warp.
#pragma once
#include "tables.cuh"

enum { ROWS_AT_ONCE = 4 };

// next (m, n) = left (m, k) * slice (k, n): lanes over n, so that the slice is read in whole lines, and a few rows of
// `left` at once, so that each number of the slice is read once for all of them. Narrow slices spread over all (m, n).
template <typename L>
__device__ inline void multiply(const L* left, int m, int k, const VALUE_T* slice, int n, float* next, int lane) {
  if (n < WARP) {
    for (int at = lane; at < m * n; at += WARP) {
      int row = at / n, column = at - row * n;
      float sum = 0;
#pragma unroll 4
      for (int a = 0; a < k; ++a) sum += to_float(left[row * k + a]) * to_float(slice[a * n + column]);
      next[at] = sum;
    }
    return;
  }
  for (int column = lane; column < n; column += WARP) {
    for (int first = 0; first < m; first += ROWS_AT_ONCE) {
      float sums[ROWS_AT_ONCE] = {};
#pragma unroll 4
      for (int a = 0; a < k; ++a) {
        float number = to_float(slice[a * n + column]);
#pragma unroll
        for (int u = 0; u < ROWS_AT_ONCE; ++u)
          if (first + u < m) sums[u] += to_float(left[(first + u) * k + a]) * number;
      }
#pragma unroll
      for (int u = 0; u < ROWS_AT_ONCE; ++u)
        if (first + u < m) next[(first + u) * n + column] = sums[u];
    }
  }
}

// The row's numbers from the left: `one` and `two` hold the largest prefix each. Returns where the row is.
__device__ inline const float* train_row(const Table& table, const Slots& weights, wide row, float* one, float* two,
                                         int lane) {
  Core core = table.core(0);
  const VALUE_T* slice = slice_of(weights, core, row);
  int width = core.q;
  core = table.core(1);
  multiply(slice, width, core.left, slice_of(weights, core, row), core.q * core.right, one, lane);
  __syncwarp();
  for (int k = 2; k < table.cores(); ++k) {
    width *= core.q;
    core = table.core(k);
    multiply(one, width, core.left, slice_of(weights, core, row), core.q * core.right, two, lane);
    __syncwarp();
    float* old = one;
    one = two;
    two = old;
  }
  return one;
}

// factor * row added to `sums` (dim), or, where `against` (dim) is given, returns this lane's share of their product.
__device__ inline float use_row(const Tables& tables, const Table& table, const Slots& weights, const Cache& cache,
                                wide row, float factor, float* sums, const VALUE_T* against, float* one, float* two,
                                int lane) {
  wide cached = cached_row(table, cache, row);
  const VALUE_T* stored = 0;
  const float* made = 0;
  if (cached >= 0)
    stored = numbers(weights, table[CACHE_SLOT], cached * tables.dim);
  else if (!table.is_tt())
    stored = numbers(weights, table[SLOT], table[OFFSET] + row * tables.dim);
  else
    made = train_row(table, weights, row, one, two, lane);
  float share = 0;
  for (int column = lane; column < tables.dim; column += WARP) {
    float number = stored ? to_float(stored[column]) : made[column];
    if (against)
      share += number * to_float(against[column]);
    else
      sums[column] += factor * number;
  }
  __syncwarp();  // the buffers are free again
  return share;
}

// A warp's buffers: in shared memory, or in global memory where a row's prefixes are too large for it.
__device__ inline float* warp_buffers(float* scratch, float* shared, int floats_per_warp) {
  wide warp = threadIdx.x / WARP;
  if (scratch) return scratch + ((wide)blockIdx.x * (blockDim.x / WARP) + warp) * floats_per_warp;
  return shared + warp * floats_per_warp;
}
