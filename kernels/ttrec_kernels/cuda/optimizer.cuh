// One number's step. State is fp32; a learning rate is read from the device, so that a replayed graph sees changes.
#pragma once
#include "tables.cuh"

enum { NO_OPTIMIZER, SGD, ADAGRAD, ROWWISE_ADAGRAD };

struct Optimizer {
  const float* learning_rate;
  float eps;
  int kind;
};

__device__ inline void sgd_or_adagrad(const Optimizer& optimizer, VALUE_T* weight, float* state, float gradient) {
  float step = *optimizer.learning_rate * gradient;
  if (optimizer.kind == ADAGRAD) {
    float sum = *state + gradient * gradient;
    *state = sum;
    step /= sqrtf(sum) + optimizer.eps;
  }
  store(weight, to_float(*weight) - step);
}

__device__ inline void rowwise_adagrad(const Optimizer& optimizer, VALUE_T* weight, float state, float gradient) {
  store(weight, to_float(*weight) - *optimizer.learning_rate * gradient / (sqrtf(state) + optimizer.eps));
}
