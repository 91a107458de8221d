"""Records of pages from made-up rows."""

from collections.abc import Callable, Sequence

import pytest

from ttrec_cli.pareto import Analysis, Metric, analyse, failures, groups
from ttrec_cli.report import build_page
from ttrec_cli.report.record import Page


@pytest.fixture
def make_analyses(make_frame) -> Callable[..., list[Analysis]]:
    def build(rows, metric: Metric = Metric.ACCURACY) -> list[Analysis]:
        return [analyse(group, metric) for group in groups(make_frame(rows))]

    return build


@pytest.fixture
def make_page(make_frame, make_analyses) -> Callable[..., Page]:
    def build(rows, metric: Metric = Metric.ACCURACY, problems: Sequence[str] = ()) -> Page:
        return build_page(make_analyses(rows, metric), failures(make_frame(rows)), problems)

    return build
