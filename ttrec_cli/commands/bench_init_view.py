"""What `ttrec bench init` shows on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ttrec_cli.commands.factorize_words import percent, rank_text
from ttrec_cli.fitted_table import FittedTable

if TYPE_CHECKING:
    from ttrec_cli.bench.divergence import TableOneRow
    from ttrec_cli.bench.initial_values import InitCase
    from ttrec_kernels.shapes import TTShape


COLUMNS = ("rms × √3n", "kurtosis", "KL to N(0,1/3n)", "KL from Uniform", "beyond ±1/√n", "near 0")
LEAST = ("KL from Uniform", "beyond ±1/√n", "near 0", "kurtosis")
"""What a narrow terminal does not show, the first first."""


def cases_table(shape: "TTShape", cases: "Sequence[InitCase]") -> FittedTable:
    """One line a way to draw a table; the target of the root mean square is 1/√3n."""
    target = (1 / (3 * shape.rows)) ** 0.5
    title = f"{shape.rows:,} rows × {shape.dim}, rank {rank_text(shape)}: entries of the initial table"
    rows = tuple(
        (
            case.scale,
            case.distribution,
            number(case.spread.rms / target),
            number(case.spread.kurtosis),
            number(case.spread.kl_to_normal),
            number(case.spread.kl_from_uniform),
            percent(case.spread.beyond_uniform),
            percent(case.spread.near_zero),
        )
        for case in cases
    )
    return FittedTable(title, ("scale", "distribution", *COLUMNS), rows, LEAST, words=2)


def reading(cases: "Sequence[InitCase]") -> list[str]:
    """What the numbers mean, in two lines."""
    trains = [case for case in cases if case.scale == "calibrated"]
    best = min(trains, key=lambda case: case.spread.kl_to_normal)
    return [
        f"Nearest to N(0,1/3n) among calibrated ones: {best.distribution}, {number(best.spread.kl_to_normal)} nats. "
        "Divergences in nats; D(entries ‖ Uniform) is infinite as soon as an entry lies beyond ±1/√n.",
        "A normal distribution has kurtosis 3, a uniform one 1.8. Near 0: below a tenth of 1/√n.",
    ]


def table_one_table(rows: int, found: "Sequence[TableOneRow]") -> Table:
    """The paper's Table 1 as derived, beside what it prints."""
    title = f"Table 1 of TT-Rec for n = {rows:,}: D(Uniform ‖ N(0,σ²)) = ½ ln(πnσ²/2) + 1/6nσ²"
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("initial", no_wrap=True)
    table.add_column("nats", justify="right", no_wrap=True)
    table.add_column("printed", no_wrap=True)
    table.add_column("what is wrong there")
    for row in found:
        table.add_row(row.distribution, number(row.kl), row.printed, row.erratum)
    return table


def number(value: float) -> str:
    """Four figures."""
    return f"{value:,.0f}" if value >= 10_000 else f"{value:.4g}" if abs(value) >= 1e-3 else f"{value:.1g}"
