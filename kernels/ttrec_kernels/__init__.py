"""Tensor-train embeddings for PyTorch: `from ttrec_kernels import TTEmbeddingBag`.

Names are imported when they are first used, so that planning a table never waits for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ttrec_kernels.cache_plan import RowCacheSettings
    from ttrec_kernels.choices import Backend, BagMode, DenseDistribution, Distribution, InitScale
    from ttrec_kernels.conversion import ConversionReport, LargeTables, convert
    from ttrec_kernels.decompose import Decomposition, from_dense
    from ttrec_kernels.embedding import TTEmbedding
    from ttrec_kernels.embedding_bag import TTEmbeddingBag
    from ttrec_kernels.embedding_tables import EmbeddingTables
    from ttrec_kernels.entropy_rule import entropy_shape
    from ttrec_kernels.error_measure import TableErrors, table_errors
    from ttrec_kernels.errors import (
        BackendError,
        BagError,
        IndexRangeError,
        PlanError,
        ShapeError,
        StorageError,
        TTRecError,
        UnsupportedError,
    )
    from ttrec_kernels.fbtt import from_fbtt, from_fbtt_state, to_fbtt, to_fbtt_state
    from ttrec_kernels.fused_optimizer import FusedAdagrad, FusedOptimizer, FusedRowwiseAdagrad, FusedSGD
    from ttrec_kernels.initialize import initialize_cores, reconstructed_rms
    from ttrec_kernels.rounding import round_cores
    from ttrec_kernels.shape_search import smallest_shape
    from ttrec_kernels.shapes import TTShape, format_factors, full_ranks
    from ttrec_kernels.storage import load_cores, save_cores
    from ttrec_kernels.table_plan import TableKind, TablePlan
    from ttrec_kernels.weighted_fit import FitReport, fit_cores

__all__ = [
    "Backend",
    "BackendError",
    "BagError",
    "BagMode",
    "ConversionReport",
    "Decomposition",
    "DenseDistribution",
    "Distribution",
    "EmbeddingTables",
    "FitReport",
    "FusedAdagrad",
    "FusedOptimizer",
    "FusedRowwiseAdagrad",
    "FusedSGD",
    "IndexRangeError",
    "InitScale",
    "LargeTables",
    "PlanError",
    "RowCacheSettings",
    "ShapeError",
    "StorageError",
    "TTEmbedding",
    "TTEmbeddingBag",
    "TTRecError",
    "TTShape",
    "TableErrors",
    "TableKind",
    "TablePlan",
    "UnsupportedError",
    "convert",
    "entropy_shape",
    "fit_cores",
    "format_factors",
    "from_dense",
    "from_fbtt",
    "from_fbtt_state",
    "full_ranks",
    "initialize_cores",
    "load_cores",
    "reconstructed_rms",
    "round_cores",
    "save_cores",
    "smallest_shape",
    "table_errors",
    "to_fbtt",
    "to_fbtt_state",
]

_HOMES = {
    "cache_plan": ("RowCacheSettings",),
    "choices": ("Backend", "BagMode", "DenseDistribution", "Distribution", "InitScale"),
    "conversion": ("ConversionReport", "LargeTables", "convert"),
    "decompose": ("Decomposition", "from_dense"),
    "embedding": ("TTEmbedding",),
    "embedding_bag": ("TTEmbeddingBag",),
    "embedding_tables": ("EmbeddingTables",),
    "entropy_rule": ("entropy_shape",),
    "error_measure": ("TableErrors", "table_errors"),
    "errors": (
        "BackendError",
        "BagError",
        "IndexRangeError",
        "PlanError",
        "ShapeError",
        "StorageError",
        "TTRecError",
        "UnsupportedError",
    ),
    "fbtt": ("from_fbtt", "from_fbtt_state", "to_fbtt", "to_fbtt_state"),
    "fused_optimizer": ("FusedAdagrad", "FusedOptimizer", "FusedRowwiseAdagrad", "FusedSGD"),
    "initialize": ("initialize_cores", "reconstructed_rms"),
    "rounding": ("round_cores",),
    "shape_search": ("smallest_shape",),
    "shapes": ("TTShape", "format_factors", "full_ranks"),
    "storage": ("load_cores", "save_cores"),
    "table_plan": ("TableKind", "TablePlan"),
    "weighted_fit": ("FitReport", "fit_cores"),
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
