"""What the products of the MLPs are computed in: an explicit, recorded choice. Tables and lookups stay fp32."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch

from ttrec_cli.config import Precision
from ttrec_kernels import UnsupportedError


def use_precision(precision: Precision, device: torch.device) -> None:
    """Set what belongs to the process: whether fp32 products on a GPU may be rounded to TF32.

    Raises `UnsupportedError` for tf32 on a CPU, which has no such mode.
    """
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = precision == Precision.TF32
    elif precision == Precision.TF32:
        raise UnsupportedError(
            "train.precision: tf32 is a mode of GPUs, but this trains on a CPU; use fp32, or bf16, "
            "which a CPU may emulate"
        )


def mlp_context(precision: Precision, device_type: str) -> Callable[[], AbstractContextManager[None]]:
    """What surrounds an MLP's forward pass: for bf16 torch's autocast, weights stay fp32."""
    if precision == Precision.BF16:
        return partial(torch.autocast, device_type, torch.bfloat16)
    return nullcontext
