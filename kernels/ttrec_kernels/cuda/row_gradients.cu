// Gradient of each distinct row: the gradients of its bags, summed in a fixed order. A row that thousands of lookups
// share is summed in chunks, then over its chunks. `lanes` threads, a power of two, share a chunk or a row.
#include "optimizer.cuh"
#include "trie.cuh"

// sums (size, dim): at the first position of each row in each chunk, the sum over the row's positions there.
extern "C" __global__ void __launch_bounds__(256)
    row_sums(Tables tables, Trie trie, Lookups lookups, const float* scales, const VALUE_T* output_gradient, int chunk,
             int lanes, float* sums) {
  wide thread = (wide)blockIdx.x * blockDim.x + threadIdx.x;
  wide first = thread / lanes * chunk, last = first + chunk < trie.size ? first + chunk : trie.size;
  for (int column = (int)(thread % lanes); column < tables.dim; column += lanes) {
    float sum = 0;
    int row = -1;
    wide start = first;
    for (wide i = first; i < last; ++i) {
      int head = trie.head(0, i);
      if (head != row) {
        if (row >= 0) sums[start * tables.dim + column] = sum;
        row = head;
        start = i;
        sum = 0;
      }
      if (head < 0) break;  // no keys sort last
      wide j = trie.order[trie.begin + i], segment = trie.segments[j];
      wide t = segment / trie.bags, b = segment - t * trie.bags;
      float factor = lookups.sample_weights ? to_float(lookups.sample_weights[j]) : 1.0f;
      if (scales) factor *= scales[segment];
      sum += factor * to_float(output_gradient[(b * tables.count + t) * tables.dim + column]);
    }
    if (row >= 0) sums[start * tables.dim + column] = sum;
  }
}

// Where a stored row lies: a dense table's own, or a cached one.
struct StoredRow {
  int slot;
  wide offset, state;
};

__device__ inline StoredRow stored_row(const Tables& tables, const Table& table, const Trie& trie, wide key) {
  StoredRow place;
  if (key >= trie.first_cache_key) {
    place.slot = (int)table[CACHE_SLOT];
    place.state = table[CACHE_ROW] + key - table.extra()[CACHE_KEY_START];
    place.offset = place.state * tables.dim;
  } else {
    place.slot = (int)table[SLOT];
    place.offset = table[OFFSET] + (key - table.extra()[KEY_START]) * tables.dim;
    place.state = place.offset / tables.dim;
  }
  return place;
}

// The chunks of each row together, in `sums` at the row's first position. Rows of trains stay there; stored rows are
// written out as gradient, or as (row, values) pairs, or applied; a slot without a gradient's address is not wanted. A
// stored row that goes on in the next part is carried.
extern "C" __global__ void __launch_bounds__(256)
    row_totals(Tables tables, Trie trie, Slots weights, Slots gradients, Slots states, Optimizer optimizer, int chunk,
               int lanes, float* sums, const float* carried, float* carry, wide* pair_rows, float* pair_values) {
  wide thread = (wide)blockIdx.x * blockDim.x + threadIdx.x;
  wide i = thread / lanes;
  int lane = (int)(thread % lanes);
  bool head = i < trie.size && trie.head(0, i) == i;
  wide key = head ? trie.key(i) : NO_KEY;
  bool stored = head && key < trie.first_train_key;
  bool before = stored && i == 0 && trie.begin > 0 && trie.keys[trie.begin - 1] == key;
  bool after = stored && trie.begin + trie.size < trie.count && trie.keys[trie.begin + trie.size] == key;
  float squares = 0;
  for (int column = lane; head && column < tables.dim; column += lanes) {
    float total = before ? carried[column] : 0.0f;
    total += sums[i * tables.dim + column];
    for (wide at = (i / chunk + 1) * chunk; at < trie.size && trie.head(0, at) == i; at += chunk)
      total += sums[at * tables.dim + column];
    sums[i * tables.dim + column] = total;
    if (after) carry[column] = total;
    squares += total * total;
  }
  for (int apart = lanes / 2; apart; apart /= 2) squares += __shfl_xor_sync(ALL_LANES, squares, apart);
  bool applied = stored && !after;
  StoredRow place;
  float state = 0;
  if (applied) {
    place = stored_row(tables, trie.table(tables, i), trie, key);
    applied = gradients.at[place.slot] || (pair_rows && key < trie.first_cache_key);
    if (applied && optimizer.kind == ROWWISE_ADAGRAD) state = ((float*)states.at[place.slot])[place.state] + squares / tables.dim;
  }
  __syncwarp();  // all lanes have read the state
  if (!applied) return;
  if (optimizer.kind == ROWWISE_ADAGRAD && lane == 0) ((float*)states.at[place.slot])[place.state] = state;
  bool pairs = pair_rows && key < trie.first_cache_key;
  if (pairs && lane == 0) pair_rows[trie.begin + i] = place.state;
  float* states_here = (float*)states.at[place.slot];
  for (int column = lane; column < tables.dim; column += lanes) {
    float total = sums[i * tables.dim + column];
    wide number = place.offset + column;
    if (optimizer.kind == ROWWISE_ADAGRAD)
      rowwise_adagrad(optimizer, (VALUE_T*)weights.at[place.slot] + number, state, total);
    else if (optimizer.kind != NO_OPTIMIZER)
      sgd_or_adagrad(optimizer, (VALUE_T*)weights.at[place.slot] + number, states_here ? states_here + number : 0, total);
    else if (pairs)
      pair_values[(trie.begin + i) * tables.dim + column] = total;
    else
      ((float*)gradients.at[place.slot])[number] = total;
  }
}
