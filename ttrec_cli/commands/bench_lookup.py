"""`ttrec bench lookup`: one table as a tensor train, against the ways there are without it."""

from typing import Annotated

import typer

from ttrec_cli.commands import bench_options as option

DEFAULT_CASES = "tt,tt-reference,embedding-bag,reconstruct"


def lookup(  # noqa: PLR0913, PLR0917 - one parameter an option
    rows: option.Rows = 10_131_227,
    dim: option.Dim = 16,
    rank: option.Rank = 32,
    row_factors: option.RowFactors = None,
    dim_factors: option.DimFactors = None,
    batch: option.Batch = 2048,
    pooling: option.Pooling = 1,
    zipf: option.Zipf = None,
    device: option.On = option.Device.AUTO,
    backend: Annotated[str, typer.Option(help="What computes `tt`: auto, reference, cpu or cuda.")] = "auto",
    cases: Annotated[str, typer.Option(help="Which cases to time, separated by commas.")] = DEFAULT_CASES,
    seconds: option.Seconds = 2.0,
    seed: option.Seed = 0,
    parquet: option.Parquet = None,
    json: option.Json = False,
) -> None:
    """Time lookups forward, as a training step with SGD and as inference, in turns; compilation not counted."""
    shape = option.shape_of(rows, dim, rank, row_factors, dim_factors)

    from ttrec_cli.bench.indices import IndexLaw
    from ttrec_cli.bench.lookup import LookupSetting, lookup_cases
    from ttrec_cli.bench.machine import choose_device
    from ttrec_cli.bench.record import measure
    from ttrec_cli.commands.bench_view import cases_table, machine_line

    law = IndexLaw(rows, zipf)
    setting = LookupSetting(shape, batch, pooling, law, choose_device(device), seed, backend)
    settings = option.shape_settings(shape) | {"batch": batch, "pooling": pooling, "zipf": zipf, "seed": seed}
    with option.progress() as on_turn:
        made = lookup_cases(setting, [name.strip() for name in cases.split(",")])
        result = measure(made, seconds, setting.device, settings, on_turn)
    title = f"{rows:,} rows × {dim}, rank {rank}: {batch:,} bags of {pooling} a call"
    shown = (cases_table(title, result.cases, baseline="tt"), machine_line(result))
    option.finish("bench lookup", result, shown, parquet, json)
