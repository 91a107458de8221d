"""Tensor-train embeddings for PyTorch: `from ttrec_kernels import TTEmbeddingBag`.

Names are imported when they are first used, so that planning a table never waits for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ttrec_kernels.cache_plan import RowCacheSettings
    from ttrec_kernels.choices import Backend, BagMode, DenseDistribution, Distribution, InitScale
    from ttrec_kernels.embedding_bag import TTEmbeddingBag
    from ttrec_kernels.embedding_tables import EmbeddingTables
    from ttrec_kernels.entropy_rule import entropy_shape
    from ttrec_kernels.errors import (
        BackendError,
        BagError,
        IndexRangeError,
        PlanError,
        ShapeError,
        TTRecError,
        UnsupportedError,
    )
    from ttrec_kernels.initialize import initialize_cores, reconstructed_rms
    from ttrec_kernels.shape_search import smallest_shape
    from ttrec_kernels.shapes import TTShape, format_factors, full_ranks
    from ttrec_kernels.table_plan import TableKind, TablePlan

__all__ = [
    "Backend",
    "BackendError",
    "BagError",
    "BagMode",
    "DenseDistribution",
    "Distribution",
    "EmbeddingTables",
    "IndexRangeError",
    "InitScale",
    "PlanError",
    "RowCacheSettings",
    "ShapeError",
    "TTEmbeddingBag",
    "TTRecError",
    "TTShape",
    "TableKind",
    "TablePlan",
    "UnsupportedError",
    "entropy_shape",
    "format_factors",
    "full_ranks",
    "initialize_cores",
    "reconstructed_rms",
    "smallest_shape",
]

_HOMES = {
    "cache_plan": ("RowCacheSettings",),
    "choices": ("Backend", "BagMode", "DenseDistribution", "Distribution", "InitScale"),
    "embedding_bag": ("TTEmbeddingBag",),
    "embedding_tables": ("EmbeddingTables",),
    "entropy_rule": ("entropy_shape",),
    "errors": (
        "BackendError",
        "BagError",
        "IndexRangeError",
        "PlanError",
        "ShapeError",
        "TTRecError",
        "UnsupportedError",
    ),
    "initialize": ("initialize_cores", "reconstructed_rms"),
    "shape_search": ("smallest_shape",),
    "shapes": ("TTShape", "format_factors", "full_ranks"),
    "table_plan": ("TableKind", "TablePlan"),
}
"""Module of each public name; the imports above say the same to type checkers, and a test compares them."""


def _import_name(name: str) -> object:
    """Import a public name and keep it, so that the next use is an ordinary attribute."""
    for module, names in _HOMES.items():
        if name in names:
            value: object = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if not TYPE_CHECKING:
    __getattr__ = _import_name
