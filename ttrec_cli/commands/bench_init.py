"""`ttrec bench init`: how the entries of freshly drawn tensor trains are spread, against what DLRM draws."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ttrec_cli import console
from ttrec_cli.commands import bench_options as option

if TYPE_CHECKING:
    from ttrec_cli.bench.initial_values import InitCase


def init(
    rows: option.Rows = 10_131_227,
    dim: option.Dim = 16,
    rank: option.Rank = 32,
    row_factors: option.RowFactors = None,
    dim_factors: option.DimFactors = None,
    seed: option.Seed = 0,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the densities on this page.")] = None,
    json: option.Json = False,
) -> None:
    """Root mean square, kurtosis and divergence of the entries, for every distribution and scale of the cores."""
    shape = option.shape_of(rows, dim, rank, row_factors, dim_factors)

    from ttrec_cli.bench.divergence import table_one
    from ttrec_cli.bench.initial_values import init_cases, scalar_products
    from ttrec_cli.commands.bench_init_view import cases_table, reading, table_one_table
    from ttrec_kernels.choices import Distribution, InitScale

    with console.progress("drawing tables", len(Distribution) * len(InitScale), "tables") as bar:
        cases = init_cases(shape, seed, bar.advance)
        products = scalar_products(shape, seed)
    table = table_one(rows)
    payload = option.shape_settings(shape) | {
        "seed": seed,
        "target_rms": (1 / (3 * rows)) ** 0.5,
        "cases": [_record(case) for case in cases],
        "table1": [asdict(row) for row in table],
    }
    shown: list[Any] = [cases_table(shape, cases), *reading(cases), table_one_table(rows, table)]
    if html is not None:
        from ttrec_cli.commands.bench_init_page import write_page

        page = write_page(shape, cases, products, table, html)
        payload["report"] = str(page)
        shown.append(f"Page: {page}")
    console.show(console.CommandResult("bench init", payload, tuple(shown)), json)


def _record(case: "InitCase") -> dict[str, Any]:
    return {"distribution": case.distribution, "scale": case.scale, "rank": case.rank, **asdict(case.spread)}
