"""CUDA sources as the compiler gets them: one text without local includes, and the types it is specialised for."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from ttrec_kernels.errors import BackendError

FOLDER = Path(__file__).parent
STEMS = (
    "lookup_forward",
    "sample_weight_gradient",
    "sorted_lookups",
    "row_gradients",
    "prefix_products",
    "prefix_gradients",
    "slice_gradients",
    "slice_update",
)
"""Every compiled file of this folder."""

VALUE_TYPES = {torch.float32: "float", torch.float16: "__half", torch.bfloat16: "__nv_bfloat16"}
INDEX_TYPES = {torch.int32: "int", torch.int64: "long long"}
OPTIONS = ("--std=c++17", "--fmad=true")

_INCLUDE = re.compile(r'^#include "([a-z_]+\.cuh)"$', re.MULTILINE)


@dataclass(frozen=True)
class Specialisation:
    """What one compiled module is made for: the stored type of weights and the type of indices."""

    values: torch.dtype = torch.float32
    indices: torch.dtype = torch.int64

    def __post_init__(self) -> None:
        if self.values not in VALUE_TYPES:
            raise BackendError(
                f"CUDA kernels store float32, float16 or bfloat16, but the weights are {self.values}; "
                "use backend='reference'"
            )
        if self.indices not in INDEX_TYPES:
            raise BackendError(f"CUDA kernels read int32 or int64 indices, but they are {self.indices}")

    @property
    def defines(self) -> tuple[str, ...]:
        """Compiler options."""
        return f"-DVALUE_T={VALUE_TYPES[self.values]}", f"-DINDEX_T={INDEX_TYPES[self.indices]}"


@cache
def source_text(stem: str) -> str:
    """The file `stem`.cu with its local includes put in once each, so that a cache keyed by the text is never stale."""
    seen: set[str] = set()

    def expand(text: str) -> str:
        return _INCLUDE.sub(include, text)

    def include(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in seen:
            return ""
        seen.add(name)
        return expand((FOLDER / name).read_text().replace("#pragma once\n", ""))

    return expand((FOLDER / f"{stem}.cu").read_text())


def kernel_names(stem: str) -> tuple[str, ...]:
    """Names of the kernels in one file."""
    pattern = r'extern "C" __global__ void\s+(?:__launch_bounds__\(\w+\)\s+)?(\w+)\('
    return tuple(re.findall(pattern, source_text(stem)))
