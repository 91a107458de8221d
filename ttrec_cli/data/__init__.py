"""Click logs: raw rows or a specification in, one memory-mapped folder out, batches from it."""

from ttrec_cli.data.choices import Choices, DenseTransform, Missing, Order, SplitBy
from ttrec_cli.data.click_log import Batch, ClickLog, open_click_log
from ttrec_cli.data.criteo import kaggle_log, prepare_criteo_kaggle, terabyte_log
from ttrec_cli.data.curves import SkewCurve, skew_curves
from ttrec_cli.data.describe import ColumnSummary, describe
from ttrec_cli.data.measured import LogModel, measure
from ttrec_cli.data.prepare import Stages, prepare
from ttrec_cli.data.progress import Progress
from ttrec_cli.data.raw_lines import estimate_lines
from ttrec_cli.data.settling import Settling, settling
from ttrec_cli.data.sniff import open_raw_log
from ttrec_cli.data.synthetic import synthesize
from ttrec_cli.data.synthetic_raw import synthesize_raw
from ttrec_cli.data.synthetic_spec import SyntheticSpec

__all__ = [
    "Batch",
    "Choices",
    "ClickLog",
    "ColumnSummary",
    "DenseTransform",
    "LogModel",
    "Missing",
    "Order",
    "Progress",
    "Settling",
    "SkewCurve",
    "SplitBy",
    "Stages",
    "SyntheticSpec",
    "describe",
    "estimate_lines",
    "kaggle_log",
    "measure",
    "open_click_log",
    "open_raw_log",
    "prepare",
    "prepare_criteo_kaggle",
    "settling",
    "skew_curves",
    "synthesize",
    "synthesize_raw",
    "terabyte_log",
]
