"""Column distributions: the measured shares, the tail's law, and tables of every size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.data.skew import HEAD, column_skew
from ttrec_cli.data.skew_loops import places
from ttrec_cli.data.synthetic_columns import (
    KAGGLE_SHAPES,
    TABLE_ROWS,
    CategoryShape,
    category_shapes,
    columns_by_size,
    scaled_rows,
)


def exact_counts(values: int, shape: CategoryShape, draws: int = 400_001) -> np.ndarray:
    """Share of each rank, from evenly spaced numbers instead of random ones."""
    uniform = (np.arange(draws) + 0.5) / draws
    return np.bincount(column_skew(values, shape).ranks(uniform), minlength=values + 1) / draws


@pytest.mark.parametrize("like", ["kaggle", "terabyte"])
@pytest.mark.parametrize("column", range(26))
def test_at_full_size_every_column_has_its_shares(like: str, column: int) -> None:
    rows, shape = TABLE_ROWS[like][column], category_shapes(like)[column]  # type: ignore[index, arg-type]
    counts = exact_counts(rows - (shape.missing > 0), shape)
    assert counts[0] == pytest.approx(shape.missing, abs=1e-5)
    assert counts[1] == pytest.approx(shape.top1, abs=1e-5)
    # Where ten values are all there are, what the measured shares leave by rounding goes to the last one.
    assert counts[1 : HEAD + 1].sum() == pytest.approx(shape.top10, abs=2.1e-3 if rows <= HEAD else 1e-5)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KAGGLE_SHAPES), st.integers(2, 3000))
def test_shares_add_up_and_never_rise_with_the_rank(shape: CategoryShape, values: int) -> None:
    counts = exact_counts(values, shape, draws=1_000_003)
    assert len(counts) == values + 1
    assert counts.sum() == pytest.approx(1)
    assert counts[0] == pytest.approx(shape.missing, abs=1e-5)
    assert (np.diff(counts[1:]) <= 4e-6).all()


def test_the_tail_is_a_power_law_from_the_head_to_the_last_id() -> None:
    values, shape = 100_000, KAGGLE_SHAPES[2]
    skew = column_skew(values, shape)
    counts = exact_counts(values, shape, draws=5_000_001)
    ranks = np.arange(HEAD + 1, 500)
    expected = counts[HEAD] * (ranks / HEAD) ** -skew.exponent
    np.testing.assert_allclose(counts[HEAD + 1 : 500], expected, rtol=0.02)
    assert counts[-1] > 0


def test_extreme_uniform_numbers_stay_inside_the_table() -> None:
    edges = np.array([0.0, np.nextafter(1.0, 0.0), 1.0 - 2**-53])
    for shape in KAGGLE_SHAPES:
        for values in (2, 3, 10, 11, 100, 10_131_226):
            ranks = column_skew(values, shape).ranks(edges)
            assert ranks[0] == (0 if shape.missing else 1)
            assert ranks.max() <= values


def test_scaling_keeps_small_tables_and_the_order_of_the_large_ones() -> None:
    full = TABLE_ROWS["kaggle"]
    assert scaled_rows("kaggle", 1.0) == full
    for scale in (0.1, 0.01, 0.001):
        rows = scaled_rows("kaggle", scale)
        assert columns_by_size(rows)[:7] == columns_by_size(full)[:7]
        assert all(scaled == max(min(real, 100), round(real * scale)) for scaled, real in zip(rows, full, strict=True))
        assert all(scaled <= real for scaled, real in zip(rows, full, strict=True))


def test_terabytes_columns_take_the_shape_of_kaggles_of_the_same_place() -> None:
    shapes = category_shapes("terabyte")
    assert category_shapes("kaggle") == KAGGLE_SHAPES
    assert shapes[19] == KAGGLE_SHAPES[2]  # C20 and C3 are the largest
    assert shapes[5] == KAGGLE_SHAPES[8]  # C6 and C9 are the smallest


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=11), st.lists(st.floats(0, 1), max_size=40))
def test_places_are_those_of_searchsorted(edges: list[float], numbers: list[float]) -> None:
    rising, wanted = np.sort(edges), np.array([*numbers, *edges])
    assert places(rising, wanted).tolist() == np.searchsorted(rising, wanted, side="right").tolist()
