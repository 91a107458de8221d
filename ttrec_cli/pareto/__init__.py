"""From result rows to the memory–accuracy frontier: points, groups, differences, the answer."""

from ttrec_cli.pareto.analysis import Analysis as Analysis
from ttrec_cli.pareto.analysis import AssessedPoint as AssessedPoint
from ttrec_cli.pareto.analysis import analyse as analyse
from ttrec_cli.pareto.comparison import Comparison as Comparison
from ttrec_cli.pareto.comparison import compare as compare
from ttrec_cli.pareto.groups import Failure as Failure
from ttrec_cli.pareto.groups import Group as Group
from ttrec_cli.pareto.groups import failures as failures
from ttrec_cli.pareto.groups import groups as groups
from ttrec_cli.pareto.metric import Cost as Cost
from ttrec_cli.pareto.metric import Metric as Metric
from ttrec_cli.pareto.paired import Difference as Difference
from ttrec_cli.pareto.paired import TrainingEffect as TrainingEffect
from ttrec_cli.pareto.picking import Wish as Wish
from ttrec_cli.pareto.points import Point as Point
