// The optimiser's step on every slice whose gradient is not zero: a block for each slice of each core.
#include "optimizer.cuh"

// owners[slice] = table * 64 + core.
extern "C" __global__ void __launch_bounds__(128)
    slice_update(Tables tables, Slots weights, Slots gradients, Slots states, Optimizer optimizer, const int* owners) {
  extern __shared__ float shared[];
  int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  int owner = owners[blockIdx.x];
  Core core = table_at(tables, owner / 64).core(owner % 64);
  if (!gradients.at[core.slot]) return;  // frozen
  wide digit = blockIdx.x - core.slice_start, offset = core.offset + digit * core.slice();
  const float* gradient = (const float*)gradients.at[core.slot] + offset;
  VALUE_T* weight = (VALUE_T*)weights.at[core.slot] + offset;
  float* state = (float*)states.at[core.slot];
  if (optimizer.kind != ROWWISE_ADAGRAD) {
    for (int at = threadIdx.x; at < core.slice(); at += blockDim.x)
      if (gradient[at] != 0) sgd_or_adagrad(optimizer, weight + at, state ? state + offset + at : 0, gradient[at]);
    return;
  }
  float squares = 0;
  for (int at = threadIdx.x; at < core.slice(); at += blockDim.x) squares += gradient[at] * gradient[at];
  for (int apart = WARP / 2; apart; apart /= 2) squares += __shfl_xor_sync(ALL_LANES, squares, apart);
  if (lane == 0) shared[warp] = squares;
  __syncthreads();
  squares = 0;
  for (int at = 0; at < blockDim.x / WARP; ++at) squares += shared[at];
  if (squares == 0) return;
  float sum = state[core.state_start + digit] + squares / core.slice();
  __syncthreads();  // all threads have read the state
  if (threadIdx.x == 0) state[core.state_start + digit] = sum;
  for (int at = threadIdx.x; at < core.slice(); at += blockDim.x)
    if (gradient[at] != 0) rowwise_adagrad(optimizer, weight + at, sum, gradient[at]);
}
