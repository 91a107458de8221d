"""The options of `ttrec factorize`, each with its help; which ones contradict each other is in factorize_asked.py."""

from pathlib import Path
from typing import Annotated

import typer

from ttrec_cli.planning import ShapeRule
from ttrec_cli.planning.amounts import DType

ONE, MODEL, BUDGET, TRAINED = "One table", "Whole model", "Budget", "Trained table"

Rows = Annotated[int | None, typer.Option(help="Rows of the table.", rich_help_panel=ONE)]
RowFactors = Annotated[str | None, typer.Option(metavar="P1,P2,…", help="Fix the row factors.", rich_help_panel=ONE)]
Dim = Annotated[int | None, typer.Option(help="Embedding dimension.")]
Tables = Annotated[
    str | None,
    typer.Option(
        metavar="NAME or FILE",
        help="kaggle, terabyte, terabyte-40m, a CSV or YAML of name and rows, a table plan, or a dataset's folder.",
        rich_help_panel=MODEL,
    ),
]
Largest = Annotated[
    int | None,
    typer.Option(help="Compress only so many of the largest tables; else all that get smaller.", rich_help_panel=MODEL),
]
Cores = Annotated[int | None, typer.Option(help="Number of TT cores, 2 to 5; else as many as the factors given, or 3.")]
Rank = Annotated[
    str | None,
    typer.Option(metavar="R or R1,R2,…", help="Rank of all bonds, or one for each.", show_default="32"),
]
MaxSkew = Annotated[
    float | None,
    typer.Option(help="Limit on the largest row factor over the smallest; 1.5 unless given, inf for none."),
]
DimFactors = Annotated[str | None, typer.Option(metavar="Q1,Q2,…", help="Fix the dim factors.")]
Rule = Annotated[
    ShapeRule | None,
    typer.Option(help="Fewest parameters, or the most even factors, as in the paper.", show_default="parameters"),
]
MaxBytes = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Largest ranks within so many bytes: 2MB, 1.5GiB.", rich_help_panel=BUDGET),
]
Compression = Annotated[
    str | None,
    typer.Option(metavar="N", help="Largest ranks that are N times smaller than uncompressed.", rich_help_panel=BUDGET),
]
Spread = Annotated[
    bool,
    typer.Option(
        "--spread", help="Give each table the rank that buys most: least sum of weight / rank.", rich_help_panel=BUDGET
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A trained table, to decompose: x.npy, x.safetensors[:name] or a state dict x.pt[:name]. Or how often "
        "tables are looked up, for --spread: CSV of name,lookups or `data describe --json`.",
        rich_help_panel=TRAINED,
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(metavar="E", help="Least ranks that miss at most this part of its norm.", rich_help_panel=TRAINED),
]
Importance = Annotated[
    str | None,
    typer.Option(
        metavar="DATASET:COLUMN",
        help="Rows looked up more often there come first; the cores are refined for them.",
        rich_help_panel=TRAINED,
    ),
]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the cores, .safetensors.", rich_help_panel=TRAINED)
]
Dtype = Annotated[DType, typer.Option(help="What a number is stored in, before and after.")]
Yaml = Annotated[
    str | None, typer.Option(metavar="FILE or -", help="Write the table plan, for sweep, library and --tables.")
]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page: rank against bytes and FLOPs.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]
