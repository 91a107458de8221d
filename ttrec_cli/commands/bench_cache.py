"""`ttrec bench cache`: what a cache of frequent rows makes of a training step, at nominal hit rates."""

from typing import Annotated

import typer

from ttrec_cli.commands import bench_options as option
from ttrec_cli.errors import ConfigError


def cache(  # noqa: PLR0913, PLR0917 - one parameter an option
    rows: option.Rows = 10_131_227,
    dim: option.Dim = 16,
    rank: option.Rank = 32,
    row_factors: option.RowFactors = None,
    dim_factors: option.DimFactors = None,
    batch: option.Batch = 2048,
    pooling: option.Pooling = 10,
    rows_fraction: Annotated[float, typer.Option(help="Cached rows over the rows of the table.")] = 0.0001,
    hit_rates: Annotated[str, typer.Option(help="Nominal hit rates, separated by commas.")] = "0,0.5,0.9,0.99,1",
    device: option.On = option.Device.AUTO,
    seconds: option.Seconds = 2.0,
    seed: option.Seed = 0,
    parquet: option.Parquet = None,
    json: option.Json = False,
) -> None:
    """Time training steps of a tensor train with cached rows against an uncompressed table, on the same batches."""
    shape = option.shape_of(rows, dim, rank, row_factors, dim_factors)

    from ttrec_cli.bench.cache import CacheSetting, cache_cases
    from ttrec_cli.bench.machine import choose_device
    from ttrec_cli.bench.record import measure
    from ttrec_cli.commands.bench_view import cases_table, machine_line

    setting = CacheSetting(shape, batch, pooling, rows_fraction, choose_device(device), _rates(hit_rates), seed)
    settings = option.shape_settings(shape) | {
        "batch": batch,
        "pooling": pooling,
        "rows_fraction": rows_fraction,
        "cached_rows": setting.cached,
        "seed": seed,
    }
    with option.progress() as on_turn:
        result = measure(cache_cases(setting), seconds, setting.device, settings, on_turn)
    title = f"{rows:,} rows × {dim}, rank {rank}, {setting.cached:,} rows cached: {batch:,} bags of {pooling} a step"
    table = cases_table(title, result.cases, baseline="embedding-bag", labels=("hit_rate",))
    option.finish("bench cache", result, (table, machine_line(result)), parquet, json)


def _rates(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--hit-rates takes numbers from 0 to 1 separated by commas, not {text!r}") from None
