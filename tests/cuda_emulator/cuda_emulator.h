// Runs CUDA kernels on the host: include this before an unchanged .cu file, compile it with g++, call EMULATE.
//
// Blocks run one after the other. The threads of a block are fibres of one host thread, each of which runs until it
// meets a barrier or ends. Threads run in either order, so that a missing barrier shows as two different results.
// Shared memory is NaN at a block's start; under the address sanitizer what lies behind it is poisoned.
#pragma once
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__
#define __device__
#define __shared__
#define __launch_bounds__(...)

const std::size_t MOST_SHARED_BYTES = 227 * 1024;
alignas(16) float shared[MOST_SHARED_BYTES / sizeof(float)];

namespace emulator {

struct Size {
  unsigned x = 1, y = 1, z = 1;
};

enum State { IDLE, READY, AT_WARP_BARRIER, AT_BLOCK_BARRIER };

struct Fibre {
  ucontext_t context;
  jmp_buf place;
  bool begun = false;
  std::unique_ptr<char[]> stack;
  State state = IDLE;
  int thread = 0;
  int shuffles = 0;
  Size index;
};

const int WARP_SIZE = 32;
#if defined(__SANITIZE_ADDRESS__)
const std::size_t STACK_BYTES = 256 * 1024;
#else
const std::size_t STACK_BYTES = 64 * 1024;
#endif

Size grid, block, block_index;
Fibre* current = nullptr;
ucontext_t scheduler;
jmp_buf scheduler_place;
std::vector<std::unique_ptr<Fibre>> fibres;
std::vector<Fibre*> idle;
std::function<void()> body;
int next_thread, finished;
bool backwards;
std::vector<int> alive;           // threads of each warp that have not ended
std::vector<float> exchanged[2];  // numbers of the last two shuffles, by thread

#if defined(__SANITIZE_ADDRESS__)
const void* scheduler_stack = nullptr;
std::size_t scheduler_stack_bytes = 0;
#endif

inline void arrived_in_fibre() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
#endif
}

// From a fibre back to the scheduler, until it is resumed. Jumps cost no system call; the sanitizer knows only contexts.
inline void leave(State state) {
  Fibre* self = current;
  self->state = state;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, scheduler_stack, scheduler_stack_bytes);
  swapcontext(&self->context, &scheduler);
  __sanitizer_finish_switch_fiber(fake, &scheduler_stack, &scheduler_stack_bytes);
#else
  if (_setjmp(self->place) == 0) _longjmp(scheduler_place, 1);
#endif
}

inline void resume(Fibre* fibre) {
  current = fibre;
  fibre->state = READY;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, fibre->stack.get(), STACK_BYTES);
  swapcontext(&scheduler, &fibre->context);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  if (_setjmp(scheduler_place) != 0) return;
  if (fibre->begun) _longjmp(fibre->place, 1);
  fibre->begun = true;
  setcontext(&fibre->context);
#endif
}

// A fibre takes one thread after the other; one that meets no barrier costs no switch.
inline void fibre_main() {
  arrived_in_fibre();
  for (;;) {
    while (next_thread < (int)block.x) {
      Fibre* self = current;
      self->thread = backwards ? (int)block.x - 1 - next_thread : next_thread;
      self->index = Size{(unsigned)self->thread, 0, 0};
      self->shuffles = 0;
      ++next_thread;
      body();
      ++finished;
      --alive[self->thread / WARP_SIZE];
    }
    idle.push_back(current);
    leave(IDLE);
  }
}

inline Fibre* idle_fibre() {
  if (!idle.empty()) {
    Fibre* fibre = idle.back();
    idle.pop_back();
    return fibre;
  }
  fibres.push_back(std::make_unique<Fibre>());
  Fibre* fibre = fibres.back().get();
  fibre->stack.reset(new char[STACK_BYTES]);
  getcontext(&fibre->context);
  fibre->context.uc_stack.ss_sp = fibre->stack.get();
  fibre->context.uc_stack.ss_size = STACK_BYTES;
  fibre->context.uc_link = nullptr;
  makecontext(&fibre->context, fibre_main, 0);
  return fibre;
}

// Fibres whose barrier is complete: those of a warp whose living threads have all arrived, or all of the block.
inline const std::vector<Fibre*>& released() {
  static std::vector<int> at_warp;
  static std::vector<Fibre*> found;
  at_warp.assign(alive.size(), 0);
  found.clear();
  int at_block = 0, living = (int)block.x - finished;
  for (auto& fibre : fibres) {
    if (fibre->state == AT_WARP_BARRIER) ++at_warp[fibre->thread / WARP_SIZE];
    if (fibre->state == AT_BLOCK_BARRIER) ++at_block;
  }
  for (auto& fibre : fibres) {
    int warp = fibre->thread / WARP_SIZE;
    bool free = fibre->state == AT_WARP_BARRIER && at_warp[warp] == alive[warp];
    if (free || (fibre->state == AT_BLOCK_BARRIER && at_block == living)) found.push_back(fibre.get());
  }
  return found;
}

inline bool run_block(std::size_t shared_bytes) {
  for (std::size_t at = 0; at * sizeof(float) < shared_bytes; ++at)
    shared[at] = std::numeric_limits<float>::quiet_NaN();
  next_thread = finished = 0;
  alive.assign((block.x + WARP_SIZE - 1) / WARP_SIZE, 0);
  for (unsigned thread = 0; thread < block.x; ++thread) ++alive[thread / WARP_SIZE];
  for (auto& numbers : exchanged) numbers.assign(block.x, std::numeric_limits<float>::quiet_NaN());
  while (next_thread < (int)block.x) resume(idle_fibre());
  while (finished < (int)block.x) {
    const std::vector<Fibre*>& ready = released();
    if (ready.empty()) return false;
    for (Fibre* fibre : ready) resume(fibre);
  }
  return true;
}

template <typename... Arguments, std::size_t... At>
inline void call(void (*kernel)(Arguments...), void** arguments, std::index_sequence<At...>) {
  kernel(*static_cast<Arguments*>(arguments[At])...);
}

// Null, or what went wrong.
template <typename... Arguments>
inline const char* launch(void (*kernel)(Arguments...), unsigned x, unsigned y, unsigned threads,
                          std::size_t shared_bytes, void** arguments, int count, int reverse) {
  if (count != (int)sizeof...(Arguments)) return "the number of arguments is wrong";
  if (x == 0 || y == 0 || threads == 0 || threads > 1024) return "the geometry is not one that CUDA takes";
  if (shared_bytes > MOST_SHARED_BYTES) return "too much shared memory";
  grid = Size{x, y, 1};
  block = Size{threads, 1, 1};
  backwards = reverse != 0;
  body = [&] { call(kernel, arguments, std::index_sequence_for<Arguments...>{}); };
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(shared, sizeof(shared));
  ASAN_POISON_MEMORY_REGION((char*)shared + shared_bytes, sizeof(shared) - shared_bytes);
#endif
  for (block_index.y = 0; block_index.y < y; ++block_index.y)
    for (unsigned at = 0; at < x; ++at) {
      block_index.x = backwards ? x - 1 - at : at;
      if (!run_block(shared_bytes)) return "threads wait at barriers that others never reach";
    }
  return nullptr;
}

}  // namespace emulator

#define threadIdx (emulator::current->index)
#define blockIdx (emulator::block_index)
#define blockDim (emulator::block)
#define gridDim (emulator::grid)

#define EMULATE(kernel)                                                                                            \
  extern "C" const char* emulate_##kernel(unsigned x, unsigned y, unsigned threads, std::size_t bytes, void** args, \
                                          int count, int reverse) {                                                \
    return emulator::launch(kernel, x, y, threads, bytes, args, count, reverse);                                   \
  }

inline void __syncthreads() { emulator::leave(emulator::AT_BLOCK_BARRIER); }
inline void __syncwarp(unsigned = 0xffffffffu) { emulator::leave(emulator::AT_WARP_BARRIER); }

// One barrier suffices: a thread is at most one shuffle ahead of its warp, and writes to the other row then.
inline float __shfl_xor_sync(unsigned, float value, int apart) {
  auto& numbers = emulator::exchanged[emulator::current->shuffles++ % 2];
  int thread = emulator::current->thread;
  numbers[thread] = value;
  emulator::leave(emulator::AT_WARP_BARRIER);
  return numbers[thread ^ apart];
}

inline float atomicAdd(float* place, float value) {
  float old = *place;
  *place = old + value;
  return old;
}

inline unsigned long long atomicCAS(unsigned long long* place, unsigned long long expected, unsigned long long value) {
  unsigned long long old = *place;
  if (old == expected) *place = value;
  return old;
}

inline int __clzll(long long value) { return value ? __builtin_clzll((unsigned long long)value) : 64; }
