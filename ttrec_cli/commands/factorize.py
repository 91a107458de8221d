"""`ttrec factorize`: which TT shapes and ranks fit a table, a model or a budget, without training."""

from ttrec_cli import console
from ttrec_cli.commands import factorize_options as option
from ttrec_cli.commands.factorize_asked import Asked


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
    dtype: option.Dtype = "fp32",
    yaml: option.Yaml = None,
    html: option.Html = None,
    json: option.Json = False,
) -> None:
    """Show the smallest TT shapes of a table or a whole model, at a rank or within a budget; nothing is trained."""
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
