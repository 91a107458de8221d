"""What a person reads of a budget and of what a plan costs to use, in sentences."""

from collections.abc import Mapping
from typing import Any

from ttrec_cli.commands.factorize_words import factors_text, flops_text, percent, rank_text, size_text
from ttrec_cli.planning import Budget, TableFit
from ttrec_cli.planning.usage import SliceUse


def budget_lines(fit: TableFit, budget: Budget) -> tuple[str, ...]:
    """How the budget is used, and by which uneven ranks better, if any are."""
    equal, uneven = fit.equal, fit.uneven
    lines = [
        f"Rank {rank_text(equal)} is the largest on all bonds within {budget.bytes:,} bytes; "
        f"it uses {equal.bytes(budget.item_bytes):,}, {percent(equal.bytes(budget.item_bytes) / budget.bytes)}."
    ]
    if uneven is not None:
        lines.append(
            f"Ranks {rank_text(uneven)} with {factors_text(uneven)} lower none and use more of it: "
            f"{uneven.bytes(budget.item_bytes):,} bytes, {percent(uneven.bytes(budget.item_bytes) / budget.bytes)}."
        )
    if fit.fits_uncompressed:
        lines.append("The budget holds the table uncompressed.")
    return tuple(lines)


def usage_line(what: str, use: Mapping[str, Any]) -> str:
    """What `what`, such as a lookup, takes: `use` has the numbers of a usage record."""
    sgd, adagrad = size_text(use["train_bytes_sgd"]), size_text(use["train_bytes_adagrad"])
    return (
        f"{what} takes {flops_text(use['forward_flops'])} and moves {size_text(use['forward_bytes'])}; in training "
        f"{flops_text(use['train_flops'])} and {sgd} with SGD, {adagrad} with Adagrad, "
        f"whose state takes {size_text(use['state_bytes_adagrad'])}."
    )


def slice_line(use: SliceUse) -> str:
    """How the slices of a core are shared."""
    before = "" if use.core == 1 else f" after {_count(use.most_prefixes, 'prefix', 'prefixes')} at most"
    return (
        f"Core {use.core}: {_count(use.slices, 'slice', 'slices')}, each for {_span(use.least_rows, use.most_rows)} "
        f"rows{before}; {_count(use.prefixes, 'product', 'products')} up to here hold for all rows."
    )


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _span(least: int, most: int) -> str:
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"
