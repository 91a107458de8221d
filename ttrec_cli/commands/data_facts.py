"""What every `ttrec data` command says of a dataset."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttrec_cli.data import ClickLog


def facts(log: "ClickLog") -> dict[str, Any]:
    """The facts that all commands print; `bag_widths` (see `ClickLog`) where there are bags."""
    bags = {"bag_widths": dict(zip(log.columns, log.bag_widths, strict=True))} if log.has_bags else {}
    return bags | {
        "path": str(log.path.resolve()),
        "name": log.name,
        "synthetic": log.synthetic,
        "rows": len(log.label),
        "splits": {name: len(rows) for name, rows in log.splits.items()},
        "cardinalities": dict(zip(log.columns, log.cardinalities, strict=True)),
        "click_rate": float(log.label.mean()),
        "fingerprint": log.fingerprint,
    }


def sentence(log: "ClickLog") -> str:
    """A dataset in one sentence."""
    splits = ", ".join(f"{len(rows):,} {name}" for name, rows in log.splits.items())
    kind = "synthetic (made up, not real clicks)" if log.synthetic else "as logged"
    return f"{log.name}, {kind}: {len(log.label):,} rows ({splits}), {sum(log.cardinalities):,} ids, in {log.path}"
