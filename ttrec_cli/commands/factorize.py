"""`ttrec factorize`: which TT shapes and ranks fit one table, without training."""

from math import isfinite
from typing import Annotated

import typer

from ttrec_cli import console
from ttrec_cli.commands import factorize_view
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import DEFAULT_RANK, ShapeRule, ShapeSettings, candidate_record, list_candidates
from ttrec_kernels.shape_checks import count_cores
from ttrec_kernels.shape_search import DEFAULT_MAX_SKEW


def factorize(  # noqa: PLR0913, PLR0917 - one parameter an option
    rows: Annotated[int, typer.Option(help="Rows of the table.")],
    dim: Annotated[int, typer.Option(help="Embedding dimension.")],
    cores: Annotated[
        int | None, typer.Option(help="Number of TT cores, 2 to 5; else as many as the factors given, or 3.")
    ] = None,
    rank: Annotated[
        str, typer.Option(metavar="R or R1,R2,…", help="Rank of all bonds, or one for each: the one recommended.")
    ] = str(DEFAULT_RANK),
    max_skew: Annotated[
        float | None,
        typer.Option(help="Limit on the largest row factor over the smallest; 1.5 unless given, inf for none."),
    ] = None,
    row_factors: Annotated[str | None, typer.Option(metavar="P1,P2,…", help="Fix the row factors.")] = None,
    dim_factors: Annotated[str | None, typer.Option(metavar="Q1,Q2,…", help="Fix the dim factors.")] = None,
    rule: Annotated[
        ShapeRule, typer.Option(help="Fewest parameters, or the most even factors, as in the paper.")
    ] = "parameters",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")] = False,
) -> None:
    """Show the smallest TT shapes of one table: parameters, bytes, FLOPs; in milliseconds, without training."""
    if rule == "entropy" and max_skew is not None:
        raise ConfigError("--rule entropy takes no --max-skew: it rounds rows to the most even factors; leave one out")
    p = None if row_factors is None else _numbers("--row-factors", row_factors)
    q = None if dim_factors is None else _numbers("--dim-factors", dim_factors)
    skew = DEFAULT_MAX_SKEW if max_skew is None else max_skew
    settings = ShapeSettings(skew, rule, q, count_cores(cores, p, q))
    ranks = _numbers("--rank", rank)
    candidates = list_candidates(rows, dim, ranks[0] if len(ranks) == 1 else ranks, settings=settings, row_factors=p)
    limit = skew if rule == "parameters" and p is None and isfinite(skew) else None
    payload = {
        "rows": rows,
        "dim": dim,
        "cores": settings.cores,
        "rule": rule,
        "max_skew": limit,
        "candidates": [candidate_record(shape) for shape in candidates.shapes],
        "recommended": candidate_record(candidates.recommended),
    }
    shown = () if json else factorize_view.show_candidates(candidates)
    console.show(console.CommandResult("factorize", payload, shown), json)


def _numbers(option: str, text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"{option} must be whole numbers with commas between, such as 4,2,2, but is {text!r}"
        ) from None
