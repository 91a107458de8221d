"""What becomes of the gradient of one slice or row: stored for an optimiser outside, or applied at once."""

from typing import Any

import numpy as np

from ttrec_kernels.cpu.compiled import ITEM, compiled, floats_at, inlined

STORE, SGD, ADAGRAD, ROWWISE_ADAGRAD = range(4)
"""Rules. STORE adds the gradient to a tensor like the weight. ADAGRAD's state is like the weight, ROWWISE_ADAGRAD
has one number a slice or row, the sum of its mean squared gradients; the others have none."""


UNWANTED = -1
"""Target of a weight that is not to change."""


@inlined
def is_linear(target: int, rule: Any) -> Any:
    """Whether a weight's steps, one for each part of its gradient, come to one step along their sum."""
    return target != UNWANTED and rule[0] == SGD


@compiled
def update(weight: int, target: int, index: int, size: int, gradient: int, rule: Any) -> Any:
    """Apply the `gradient` of slice `index`, of `size` floats, of the weight at `weight`.

    `target` is where the gradient or the state of the whole weight lies; `rule` is (kind, learning rate, eps).
    """
    kind, learning_rate, eps = rule
    if target == UNWANTED:
        return
    weights = floats_at(weight + ITEM * size * index, size)
    gradients = floats_at(gradient, size)
    if kind == SGD:
        for i in range(size):
            weights[i] -= learning_rate * gradients[i]
    elif kind == ROWWISE_ADAGRAD:
        squares = np.float32(0)
        for i in range(size):
            squares += gradients[i] * gradients[i]
        state = floats_at(target + ITEM * index, 1)
        state[0] += squares / np.float32(size)
        step = learning_rate / (np.sqrt(state[0]) + eps)
        for i in range(size):
            weights[i] -= step * gradients[i]
    else:
        targets = floats_at(target + ITEM * size * index, size)
        if kind == STORE:
            for i in range(size):
                targets[i] += gradients[i]
        else:
            for i in range(size):
                targets[i] += gradients[i] * gradients[i]
                weights[i] -= learning_rate * gradients[i] / (np.sqrt(targets[i]) + eps)
