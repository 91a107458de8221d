"""FBTT-Embedding's checkpoints: its core layout, read and written without a change to any number.

There core k is (tables, p_k, r_{k-1} · q_k · r_k), row-major; here (p_k, r_{k-1}, q_k, r_k). Row digits have
the same order, the first core the most significant. Source: `tt_cores` in FBTT-Embedding's tt_embeddings_ops.py.
"""

import re
from collections.abc import Mapping, Sequence
from math import prod

from torch import Tensor

from ttrec_kernels.errors import ShapeError, StorageError
from ttrec_kernels.shapes import TTShape

_CORE = re.compile(r"tt_cores\.(\d{1,2})")


def to_fbtt(cores: Sequence[Tensor]) -> list[Tensor]:
    """Cores (p_k, r_{k-1}, q_k, r_k) as FBTT's `tt_cores` of one table, (1, p_k, r_{k-1} · q_k · r_k); views."""
    return [core.detach().reshape(1, core.shape[0], -1) for core in cores]


def to_fbtt_state(cores: Sequence[Tensor], prefix: str = "") -> dict[str, Tensor]:
    """The entries of FBTT's state dict that hold the weights: `tt_cores.0` …, after `prefix`."""
    return {f"{prefix}tt_cores.{k}": core for k, core in enumerate(to_fbtt(cores))}


def from_fbtt(
    tt_cores: Sequence[Tensor], rows: int, dim_factors: Sequence[int], *, table: int = 0
) -> tuple[tuple[Tensor, ...], TTShape]:
    """Cores (p_k, r_{k-1}, q_k, r_k) and shape of one `table` of FBTT's `tt_cores`; views of the same numbers.

    `dim_factors` are its `tt_q_shapes`: the layout holds r · q · r in one number, so they must be known; the
    ranks follow. Raises `StorageError` where the numbers do not fit together.
    """
    if len(tt_cores) != len(dim_factors):
        raise StorageError(f"{len(tt_cores)} FBTT cores need as many dim factors, but {len(dim_factors)} were given")
    ranks, cores = [1], []
    for k, (core, q) in enumerate(zip(tt_cores, dim_factors, strict=True)):
        if core.dim() != 3 or not 0 <= table < core.shape[0]:
            raise StorageError(f"FBTT core {k} must be (tables, p, r·q·r) with table {table}, is {tuple(core.shape)}")
        slab = core.shape[2]
        if q < 1 or slab % (ranks[-1] * q):
            raise StorageError(f"FBTT core {k} has slabs of {slab}, no multiple of rank {ranks[-1]} · dim factor {q}")
        ranks.append(slab // (ranks[-1] * q))
        cores.append(core[table].view(core.shape[1], ranks[-2], q, ranks[-1]))
    try:
        shape = TTShape(
            rows, prod(dim_factors), tuple(core.shape[0] for core in cores), tuple(dim_factors), tuple(ranks)
        )
    except ShapeError as error:
        raise StorageError(f"FBTT cores are no tensor train of {rows} rows: {error}") from None
    return tuple(cores), shape


def from_fbtt_state(
    state: Mapping[str, Tensor], rows: int, dim_factors: Sequence[int], *, prefix: str = "", table: int = 0
) -> tuple[tuple[Tensor, ...], TTShape]:
    """As `from_fbtt`, from the state dict of an FBTT module; its cache and hash tables are left out.

    Raises `StorageError` if no `tt_cores` are below `prefix`.
    """
    found = {
        int(match[1]): tensor
        for name, tensor in state.items()
        if name.startswith(prefix) and (match := _CORE.fullmatch(name.removeprefix(prefix)))
    }
    if not found or sorted(found) != list(range(len(found))):
        raise StorageError(f"the state dict has no {prefix}tt_cores.0, {prefix}tt_cores.1, …")
    return from_fbtt([found[k] for k in sorted(found)], rows, dim_factors, table=table)
