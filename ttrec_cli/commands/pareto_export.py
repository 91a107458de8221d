"""The table plan that `ttrec pareto` chose, as a YAML file."""

from pathlib import Path
from typing import TYPE_CHECKING

from ttrec_cli.errors import ConfigError, NothingToReportError

if TYPE_CHECKING:
    from ttrec_cli.pareto import Analysis


def export_plan(analysis: "Analysis", path: Path) -> str:
    """Write the chosen plan and return its absolute place."""
    from ttrec_cli.planning.plan_file import plan_yaml
    from ttrec_cli.report.stacks import read_plans

    point = analysis.answer.point
    if point is None:
        raise NothingToReportError(f"{path}: must hold the chosen table plan, but {analysis.answer.rule}")
    plans = read_plans(point.plan)
    if not plans:
        raise NothingToReportError(f"{path}: must hold the chosen table plan, but its trial does not tell it")
    try:
        path.write_text(plan_yaml(plans), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: the plan must be written there, but: {error.strerror}") from None
    return str(path.absolute())
