"""Click logs: raw rows or a specification in, one memory-mapped folder out, batches from it."""

from ttrec_cli.data.click_log import Batch, ClickLog, open_click_log
from ttrec_cli.data.criteo import Order, prepare_criteo_kaggle
from ttrec_cli.data.describe import ColumnSummary, describe
from ttrec_cli.data.raw_lines import estimate_lines
from ttrec_cli.data.synthetic import SyntheticSpec, synthesize

__all__ = [
    "Batch",
    "ClickLog",
    "ColumnSummary",
    "Order",
    "SyntheticSpec",
    "describe",
    "estimate_lines",
    "open_click_log",
    "prepare_criteo_kaggle",
    "synthesize",
]
