"""`ttrec bench step`: training steps of whole models, with tensor trains and without."""

from typing import Annotated

import typer

from ttrec_cli.commands import bench_options as option
from ttrec_cli.commands.factorize_input import read_tables
from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import ModelTable

LARGEST = (0, 3, 5, 7)
DEFAULT_CASES = "dense,tt,plain,mlp"


def step(  # noqa: PLR0913, PLR0917 - one parameter an option
    tables: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="kaggle, terabyte, terabyte-40m, or a file of names and rows.")
    ] = "kaggle",
    dim: option.Dim = 16,
    rank: Annotated[str, typer.Option(metavar="R1,R2,…", help="Ranks of the tensor trains.")] = "32",
    largest: Annotated[
        str | None,
        typer.Option(
            metavar="N1,N2,…",
            help="How many of the largest tables are tensor trains; 0 for none.",
            show_default="0,3,5,7, as far as there are tables",
        ),
    ] = None,
    batch: Annotated[str, typer.Option(metavar="B1,B2,…", help="Samples of a step.")] = "128,2048,16384",
    zipf: option.Zipf = None,
    device: option.On = option.Device.AUTO,
    precision: Annotated[str, typer.Option(help="Of the MLPs in dense and tt: fp32, tf32, bf16.")] = "fp32",
    cases: Annotated[str, typer.Option(help="Which cases to time, separated by commas.")] = DEFAULT_CASES,
    seconds: option.Seconds = 2.0,
    seed: option.Seed = 0,
    parquet: option.Parquet = None,
    json: option.Json = False,
) -> None:
    """Time training steps of DLRM with SGD: uncompressed, with tensor trains, in plain torch, and its MLPs alone."""
    listed = tuple(ModelTable(table.name, table.rows) for table in read_tables(tables))
    _must_fit(sum(table.rows for table in listed) * dim * 4)
    asked = largest or ",".join(str(count) for count in LARGEST if count <= len(listed))
    ranks, counts, batches = (
        option.numbers(text, name) or () for text, name in ((rank, "--rank"), (asked, "--largest"), (batch, "--batch"))
    )

    from ttrec_cli.sweep.worker_limits import wait_briefly

    wait_briefly()  # as in the process of a trial

    from ttrec_cli.bench.machine import choose_device
    from ttrec_cli.bench.step import StepSetting, time_steps
    from ttrec_cli.commands.bench_step_view import step_tables
    from ttrec_cli.commands.bench_view import machine_line
    from ttrec_cli.config import Precision
    from ttrec_kernels.choices import choose

    names = tuple(name.strip() for name in cases.split(","))
    setting = StepSetting(
        listed,
        choose_device(device),
        dim,
        ranks,
        counts,
        batches,
        zipf,
        seed,
        names,
        precision=choose(Precision, precision, "--precision"),
    )
    with option.progress() as on_turn:
        result = time_steps(setting, seconds, on_turn)
    option.finish("bench step", result, (*step_tables(result), machine_line(result)), parquet, json)


def _must_fit(table_bytes: int) -> None:
    """Refuse tables that the machine cannot hold uncompressed: they are drawn on the host."""
    from ttrec_cli.sweep.memory import gigabytes, machine_memory

    there = machine_memory()
    if there is not None and table_bytes > there:
        raise ConfigError(
            f"the tables take {gigabytes(table_bytes)} uncompressed, but this machine has {gigabytes(there)}; "
            "use a smaller --dim or other --tables"
        )
