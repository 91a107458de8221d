"""From table lists and ranks to table plans: pure arithmetic, no torch."""

from ttrec_cli.planning.candidates import (
    DEFAULT_RANK,
    STANDARD_RANKS,
    Candidates,
    candidate_record,
    excess_over_bound,
    list_candidates,
)
from ttrec_cli.planning.model_plan import plan_tables
from ttrec_cli.planning.shape_settings import ShapeRule, ShapeSettings
from ttrec_cli.planning.tables import (
    KAGGLE_ROWS,
    ROWS_BY_NAME,
    TABLE_NAMES,
    TERABYTE_40M_ROWS,
    TERABYTE_ROWS,
    table_rows,
)

__all__ = [
    "DEFAULT_RANK",
    "KAGGLE_ROWS",
    "ROWS_BY_NAME",
    "STANDARD_RANKS",
    "TABLE_NAMES",
    "TERABYTE_40M_ROWS",
    "TERABYTE_ROWS",
    "Candidates",
    "ShapeRule",
    "ShapeSettings",
    "candidate_record",
    "excess_over_bound",
    "list_candidates",
    "plan_tables",
    "table_rows",
]
