// Vectors (bags, tables, dim): a warp for each bag of each table, many tables of mixed kind and shape in one launch.
#include "table_row.cuh"

extern "C" __global__ void
    lookup_forward(Tables tables, Cache cache, Lookups lookups, Slots weights, float* scratch, int floats_per_warp,
                   int prefix_floats, wide* bad, VALUE_T* output) {
  extern __shared__ float shared[];
  int lane = threadIdx.x % WARP, warps = blockDim.x / WARP;
  float* sums = warp_buffers(scratch, shared, floats_per_warp);
  float *one = sums + tables.dim, *two = one + prefix_floats;
  wide segments = lookups.bags * tables.count;
  for (wide at = (wide)blockIdx.x * warps + threadIdx.x / WARP; at < segments; at += (wide)gridDim.x * warps) {
    wide t = at / lookups.bags, b = at - t * lookups.bags;
    Table table = table_at(tables, (int)t);
    Span span = span_of(lookups, tables, t, b, bad);
    for (int column = lane; column < tables.dim; column += WARP) sums[column] = 0;
    int counted = 0;
    for (wide j = span.begin; j < span.end; ++j) {
      wide row = lookups.indices[j];
      if (row == table[PADDING] && row >= 0) continue;
      ++counted;
      if (!is_row(table, t, row, bad)) continue;
      float factor = lookups.sample_weights ? to_float(lookups.sample_weights[j]) : 1.0f;
      use_row(tables, table, weights, cache, row, factor, sums, 0, one, two, lane);
    }
    float scale = tables.mean && counted ? 1.0f / counted : 1.0f;
    for (int column = lane; column < tables.dim; column += WARP)
      store(output + (b * tables.count + t) * tables.dim + column, sums[column] * scale);
  }
}
