// Gradient of the weight of each lookup: its row times the gradient of its bag. A warp for each bag of each table.
#include "table_row.cuh"

extern "C" __global__ void
    sample_weight_gradient(Tables tables, Cache cache, Lookups lookups, Slots weights, float* scratch,
                           int floats_per_warp, int prefix_floats, const VALUE_T* output_gradient, VALUE_T* gradient) {
  extern __shared__ float shared[];
  int lane = threadIdx.x % WARP, warps = blockDim.x / WARP;
  float* one = warp_buffers(scratch, shared, floats_per_warp);
  float* two = one + prefix_floats;
  wide segments = lookups.bags * tables.count;
  for (wide at = (wide)blockIdx.x * warps + threadIdx.x / WARP; at < segments; at += (wide)gridDim.x * warps) {
    wide t = at / lookups.bags, b = at - t * lookups.bags;
    Table table = table_at(tables, (int)t);
    const VALUE_T* upstream = output_gradient + (b * tables.count + t) * tables.dim;
    Span span = span_of(lookups, tables, t, b, 0);
    for (wide j = span.begin; j < span.end; ++j) {
      wide row = lookups.indices[j];
      if ((row == table[PADDING] && row >= 0) || !is_row(table, t, row, 0)) continue;
      float share = use_row(tables, table, weights, cache, row, 0, 0, upstream, one, two, lane);
      for (int apart = WARP / 2; apart; apart /= 2) share += __shfl_xor_sync(ALL_LANES, share, apart);
      if (lane == 0) store(gradient + j, share);
    }
  }
}
