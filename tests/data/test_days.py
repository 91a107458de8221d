"""Days and splits: Criteo's own numbers, and what must hold for any number of rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.data.days import MIN_ROWS, day_sizes, split_rows

KAGGLE_ROWS = 45_840_617


def test_criteo_kaggle_has_its_seven_days() -> None:
    assert day_sizes(KAGGLE_ROWS) == (6_548_660,) * 4 + (6_548_659,) * 3


def test_criteo_kaggle_has_its_splits() -> None:
    splits = split_rows(KAGGLE_ROWS)
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 39_291_958,
        "test": 3_274_330,
        "validation": 3_274_329,
    }


@settings(deadline=None, max_examples=100)
@given(st.integers(MIN_ROWS, 5000))
def test_days_are_numpys_and_splits_cover_all_rows_in_order(rows: int) -> None:
    assert day_sizes(rows) == tuple(len(day) for day in np.array_split(np.arange(rows), 7))
    splits = split_rows(rows)
    assert [row for name in ("train", "test", "validation") for row in splits[name]] == list(range(rows))
    assert len(splits["train"]) == sum(day_sizes(rows)[:6])
    assert len(splits["test"]) - len(splits["validation"]) in (0, 1)
    assert len(splits["validation"]) >= 1
