"""Click logs: raw rows or a specification in, one memory-mapped folder out, batches from it."""

from ttrec_cli.data.click_log import Batch as Batch
from ttrec_cli.data.click_log import ClickLog as ClickLog
from ttrec_cli.data.click_log import open_click_log as open_click_log
from ttrec_cli.data.criteo import Order as Order
from ttrec_cli.data.criteo import prepare_criteo_kaggle as prepare_criteo_kaggle
