"""From table lists, ranks and budgets to table plans: pure arithmetic, no torch."""

from ttrec_cli.planning.budget import Budget, TableFit, fit_table
from ttrec_cli.planning.candidates import (
    DEFAULT_RANK,
    STANDARD_RANKS,
    Candidates,
    candidate_record,
    excess_over_bound,
    list_candidates,
)
from ttrec_cli.planning.model_budget import BudgetPlan, plan_within, ranked_tables
from ttrec_cli.planning.model_plan import plan_tables
from ttrec_cli.planning.plan_file import is_plan, plan_from_values, plan_yaml
from ttrec_cli.planning.shape_settings import ShapeRule, ShapeSettings
from ttrec_cli.planning.spread import spread_within
from ttrec_cli.planning.table_list import ModelTable, named_tables
from ttrec_cli.planning.tables import (
    KAGGLE_ROWS,
    ROWS_BY_NAME,
    TABLE_NAMES,
    TERABYTE_40M_ROWS,
    TERABYTE_ROWS,
    table_rows,
)
from ttrec_cli.planning.usage import Usage, usage

__all__ = [
    "DEFAULT_RANK",
    "KAGGLE_ROWS",
    "ROWS_BY_NAME",
    "STANDARD_RANKS",
    "TABLE_NAMES",
    "TERABYTE_40M_ROWS",
    "TERABYTE_ROWS",
    "Budget",
    "BudgetPlan",
    "Candidates",
    "ModelTable",
    "ShapeRule",
    "ShapeSettings",
    "TableFit",
    "Usage",
    "candidate_record",
    "excess_over_bound",
    "fit_table",
    "is_plan",
    "list_candidates",
    "named_tables",
    "plan_from_values",
    "plan_tables",
    "plan_within",
    "plan_yaml",
    "ranked_tables",
    "spread_within",
    "table_rows",
    "usage",
]
