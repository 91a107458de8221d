"""Column summaries against counting with pandas."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ttrec_cli.data import Order, describe, prepare_criteo_kaggle
from ttrec_cli.errors import DataError


def test_summaries_are_what_pandas_counts_in_the_raw_file(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    source = raw_log(1500)
    raw = pd.read_csv(source, sep="\t", header=None, dtype=str, keep_default_na=False)
    summaries = describe(prepare_criteo_kaggle(source, tmp_path / "out", order=Order.TIME))
    assert [summary.name for summary in summaries] == [f"C{column}" for column in range(1, 27)]
    for column, summary in enumerate(summaries):
        values = raw[14 + column].map(lambda text: int(text or "0", 16))
        present = values[values != 0].value_counts()
        assert summary.cardinality == values.nunique()
        assert summary.missing_fraction == pytest.approx((values == 0).mean())
        assert summary.top1_share == pytest.approx(present.iloc[0] / 1500)
        assert summary.top10_share == pytest.approx(present.iloc[:10].sum() / 1500)


def test_ids_out_of_range_are_an_error(tmp_path: Path, raw_log: Callable[..., Path]) -> None:
    log = prepare_criteo_kaggle(raw_log(20), tmp_path / "out")
    for wrong in (-1, log.cardinalities[1]):
        sparse = np.array(log.sparse)
        sparse[7, 1] = wrong
        with pytest.raises(DataError, match="ids of C2 must be in"):
            describe(replace(log, sparse=sparse))
