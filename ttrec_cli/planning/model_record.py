"""A planned model as plain JSON types: each table with its costs and shares, and the totals."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ttrec_cli.planning.candidates import candidate_record
from ttrec_cli.planning.usage import usage
from ttrec_kernels.table_plan import TablePlan


def table_records(plans: Sequence[TablePlan], item_bytes: int = 4) -> list[dict[str, Any]]:
    """A record of every table, in order; the names are a contract with scripts.

    Shares are fractions of the model's bytes before and after. A dense table has no factors, ranks or bound.
    """
    dense_bytes = item_bytes * sum(plan.rows * plan.dim for plan in plans)
    all_bytes = sum(plan.bytes(item_bytes) for plan in plans)
    return [
        {
            "name": plan.name,
            "rows": plan.rows,
            "dim": plan.dim,
            "kind": str(plan.kind),
            **_shape_record(plan, item_bytes),
            "dense_bytes": plan.rows * plan.dim * item_bytes,
            "share_before": plan.rows * plan.dim * item_bytes / dense_bytes,
            "share_after": plan.bytes(item_bytes) / all_bytes,
            "reason": plan.reason,
            "usage": usage_record(plan, item_bytes),
        }
        for plan in plans
    ]


def totals_record(plans: Sequence[TablePlan], item_bytes: int = 4) -> dict[str, Any]:
    """Sums over all tables; a lookup here is one in each of them."""
    uses = [usage(plan, item_bytes) for plan in plans]
    dense_parameters = sum(plan.rows * plan.dim for plan in plans)
    parameters = sum(plan.parameters for plan in plans)
    return {
        "tables": len(plans),
        "compressed": sum(plan.shape is not None for plan in plans),
        "rows": sum(plan.rows for plan in plans),
        "dense_parameters": dense_parameters,
        "parameters": parameters,
        "dense_bytes": dense_parameters * item_bytes,
        "bytes": parameters * item_bytes,
        "compression": dense_parameters / parameters,
        "flops_per_lookup": sum(use.forward_flops for use in uses),
        "usage": {
            key: sum(getattr(use, key) for use in uses)
            for key in (
                "forward_flops",
                "train_flops",
                "forward_bytes",
                "train_bytes_sgd",
                "train_bytes_adagrad",
                "state_bytes_sgd",
                "state_bytes_adagrad",
            )
        },
    }


def usage_record(plan: TablePlan, item_bytes: int = 4) -> dict[str, Any]:
    """What a lookup and the optimiser's state cost, and how slices are shared."""
    return asdict(usage(plan, item_bytes))


def _shape_record(plan: TablePlan, item_bytes: int) -> dict[str, Any]:
    if plan.shape is not None:
        return candidate_record(plan.shape, item_bytes)
    return {
        "row_factors": None,
        "dim_factors": None,
        "ranks": None,
        "parameters": plan.parameters,
        "bytes": plan.bytes(item_bytes),
        "compression": 1.0,
        "flops_per_lookup": 0,
        "padding_fraction": 0.0,
        "bound_parameters": None,
        "larger_than_dense": False,
        "useless_rank": False,
    }
