"""`ttrec factorize`: which TT shapes and ranks fit a table, a model or a budget, without training."""

from ttrec_cli import console
from ttrec_cli.commands import factorize_options as option
from ttrec_cli.commands.factorize_asked import Asked
from ttrec_cli.commands.factorize_weights import (
    TrainedAsked,
    decompose_table,
    is_trained_table,
    need_a_trained_table,
    refuse_others,
)


def factorize(  # noqa: PLR0913, PLR0917 - one parameter an option
    rows: option.Rows = None,
    dim: option.Dim = None,
    tables: option.Tables = None,
    largest: option.Largest = None,
    cores: option.Cores = None,
    rank: option.Rank = None,
    max_skew: option.MaxSkew = None,
    row_factors: option.RowFactors = None,
    dim_factors: option.DimFactors = None,
    rule: option.Rule = None,
    max_bytes: option.MaxBytes = None,
    compression: option.Compression = None,
    spread: option.Spread = False,
    weights: option.Weights = None,
    tolerance: option.Tolerance = None,
    importance: option.Importance = None,
    out: option.Out = None,
    dtype: option.Dtype = "fp32",
    yaml: option.Yaml = None,
    html: option.Html = None,
    json: option.Json = False,
) -> None:
    """Show the smallest TT shapes of a table or a whole model, at a rank or within a budget; nothing is trained.

    With --weights, decompose a trained table and show what each rank loses of it.
    """
    if is_trained_table(weights):
        sizes = {"--rows": rows, "--dim": dim, "--tables": tables, "--largest": largest, "--cores": cores}
        shapes = {"--max-skew": max_skew, "--row-factors": row_factors, "--dim-factors": dim_factors, "--rule": rule}
        rest = {"--compression": compression, "--spread": spread or None, "--yaml": yaml, "--html": html}
        refuse_others({**sizes, **shapes, **rest, "--dtype": None if dtype == "fp32" else dtype})
        trained = TrainedAsked(str(weights), rank, tolerance, max_bytes, importance, out)
        console.show(decompose_table(trained), json)
        return
    need_a_trained_table({"--tolerance": tolerance, "--importance": importance, "--out": out})
    asked = Asked(
        rows=rows,
        dim=dim,
        tables=tables,
        largest=largest,
        cores=cores,
        rank=rank,
        max_skew=max_skew,
        row_factors=row_factors,
        dim_factors=dim_factors,
        rule=rule,
        max_bytes=max_bytes,
        compression=compression,
        spread=spread,
        weights=weights,
        dtype=dtype,
        yaml=yaml,
        html=html,
        json=json,
    )
    if asked.tables is None:
        from ttrec_cli.commands.factorize_table import plan_one_table

        result = plan_one_table(asked)
    else:
        from ttrec_cli.commands.factorize_model import plan_model

        result = plan_model(asked)
    console.show(result, json)
