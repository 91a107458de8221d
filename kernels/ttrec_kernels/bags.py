"""What `nn.EmbeddingBag` accepts as bags, brought to one form: indices, offsets with both ends, weights."""

from typing import NamedTuple

import torch
from torch import Tensor

from ttrec_kernels.errors import BagError
from ttrec_kernels.index_check import check_integers


class Bags(NamedTuple):
    """Bag b holds lookups offsets[b] … offsets[b + 1] − 1; `offsets` None means one lookup per bag."""

    indices: Tensor
    """(nnz), int32 or int64."""
    offsets: Tensor | None
    """(bags + 1), int64, from 0 to nnz."""
    per_sample_weights: Tensor | None
    """(nnz), of the table's dtype."""


def read_bags(
    indices: Tensor, offsets: Tensor | None, per_sample_weights: Tensor | None, include_last_offset: bool
) -> Bags:
    """Bags of 1-D `indices` with `offsets`, or of 2-D `indices` (bags, bag size) without.

    With `include_last_offset`, lookups after the last offset belong to no bag and are dropped.
    Raises `BagError`, which names the rule and the value. Waits for the device to look at the offsets.
    """
    check_integers(indices, "indices")
    if per_sample_weights is not None and per_sample_weights.shape != indices.shape:
        raise BagError(
            f"per_sample_weights must have the shape of indices, {tuple(indices.shape)}, "
            f"but have {tuple(per_sample_weights.shape)}"
        )
    if indices.dim() == 2:
        return _read_matrix(indices, offsets, per_sample_weights)
    if indices.dim() != 1:
        raise BagError(f"indices must have 1 or 2 dimensions, but have {indices.dim()}")
    if offsets is None:
        raise BagError("1-D indices need offsets: where each bag begins; give them, or 2-D indices")
    return _read_list(indices, _close(offsets, indices.numel(), include_last_offset), per_sample_weights)


def _read_matrix(indices: Tensor, offsets: Tensor | None, per_sample_weights: Tensor | None) -> Bags:
    if offsets is not None:
        raise BagError("2-D indices are bags of one size each: offsets must be None")
    bags, size = indices.shape
    weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if size == 1:
        return Bags(indices.reshape(-1), None, weights)
    return Bags(indices.reshape(-1), torch.arange(bags + 1, device=indices.device) * size, weights)


def _close(offsets: Tensor, nnz: int, include_last_offset: bool) -> Tensor:
    """Offsets (bags + 1) in 64 bits, the end of the last bag included."""
    check_integers(offsets, "offsets")
    if offsets.dim() != 1:
        raise BagError(f"offsets must have 1 dimension, but have {offsets.dim()}")
    offsets = offsets.long()
    if not include_last_offset:
        return torch.cat((offsets, offsets.new_full((1,), nnz)))
    if offsets.numel() == 0:
        raise BagError("with include_last_offset, offsets must hold at least the last one, but are empty")
    return offsets


def _read_list(indices: Tensor, offsets: Tensor, per_sample_weights: Tensor | None) -> Bags:
    if torch.compiler.is_compiling():  # a traced graph cannot look at values: offsets must rise from 0 to nnz
        return Bags(indices, offsets, per_sample_weights)
    if offsets.numel() == 1:  # no bags at all
        return Bags(indices[:0], offsets * 0, None if per_sample_weights is None else per_sample_weights[:0])
    nnz, first, last = indices.numel(), int(offsets[0].item()), int(offsets[-1].item())
    if first != 0:
        raise BagError(f"offsets must begin with 0, but begin with {first}")
    shortest, longest = (int(size.item()) for size in offsets.diff().aminmax())
    if shortest < 0 or last > nnz:
        raise BagError(f"offsets must rise from 0 to at most the {nnz} indices given, but are {_shorten(offsets)}")
    if last < nnz:
        indices = indices[:last]
        per_sample_weights = None if per_sample_weights is None else per_sample_weights[:last]
    return Bags(indices, None if shortest == longest == 1 else offsets, per_sample_weights)


def _shorten(offsets: Tensor) -> str:
    """The first place where offsets fall, with its neighbours; the last ones where they only rise."""
    falls = (offsets.diff() < 0).nonzero()
    at = int(falls[0].item()) if len(falls) else offsets.numel() - 2
    return ", ".join(str(value) for value in offsets[at : at + 2].tolist()) + f" at positions {at} and {at + 1}"


def check_offsets(indices: Tensor, offsets: Tensor, tables: int) -> int:
    """Number of bags of each of `tables` tables whose bags `offsets` (tables · bags + 1) cut `indices` (nnz) into.

    Raises `BagError` unless they rise from 0 to nnz. Waits for the device to look at the offsets.
    """
    check_integers(offsets, "offsets")
    if indices.dim() != 1 or offsets.dim() != 1 or (offsets.numel() - 1) % tables or not offsets.numel():
        raise BagError(
            f"with offsets, indices must have 1 dimension and offsets tables · bags + 1 entries for {tables} tables, "
            f"but they are {tuple(indices.shape)} and {tuple(offsets.shape)}"
        )
    bags = (offsets.numel() - 1) // tables
    if torch.compiler.is_compiling():
        return bags
    # NumPy looks at a few thousand numbers in a tenth of the time that torch takes.
    ends = offsets.numpy(force=True)
    if ends[0] != 0 or ends[-1] != indices.numel() or (ends[1:] < ends[:-1]).any():
        raise BagError(f"offsets must rise from 0 to the {indices.numel()} indices given, but are {_shorten(offsets)}")
    return bags
