"""What people ask for, against hand-made frontiers; comparisons; trials that shared a machine; a third objective."""

import math

import numpy as np
import pytest

from ttrec_cli.errors import ConfigError
from ttrec_cli.pareto import Cost, Metric, Wish, analyse, compare, groups
from ttrec_cli.pareto.frontier import Reference, contributions, hypervolume
from ttrec_cli.pareto.sharing import shared_trainings


@pytest.fixture
def rows(make_row):
    """An uncompressed model and three on the frontier: ranks 8, 32, 64 at −0.30, −0.03 and −0.01 points."""

    def build(seeds=(0,), spread=0.0):
        sizes = {None: 2_160_000_000, 8: 10_000_000, 32: 20_000_000, 64: 40_000_000}
        values = {None: 0.7900, 8: 0.7870, 32: 0.7897, 64: 0.7899}
        found = []
        for rank, seed in ((rank, seed) for rank in sizes for seed in seeds):
            dense = rank is None
            found.append(
                make_row(
                    method="dense" if dense else "tt",
                    rank=rank,
                    tables=0 if dense else 7,
                    seed=seed,
                    model_bytes=sizes[rank],
                    compression=2.16e9 / sizes[rank],
                    val_accuracy=values[rank] + 0.01 * seed + (0 if dense else spread * (seed - 1)),
                )
            )
        return found

    return build


@pytest.fixture
def ask(make_frame, rows):
    def call(wish, metric=Metric.ACCURACY, third=None, **options):
        return analyse(groups(make_frame(rows(**options)))[0], metric, wish, third).answer

    return call


def test_the_best_that_fits(ask):
    answer = ask(Wish(max_bytes=20_000_000))
    assert answer.point.rank == 32
    assert answer.rule == "the best accuracy on the frontier with a model of at most 20.0 MB"
    assert ask(Wish(max_bytes=19_999_999)).point.rank == 8
    assert ask(Wish(max_bytes=10**10)).point.is_dense
    assert ask(Wish(max_bytes=10**10)).sentence.startswith("uncompressed, dim 16: 2.16 GB")


def test_nothing_fits(ask):
    answer = ask(Wish(max_bytes=1000, min_compression=500))
    assert answer.point is None
    assert answer.sentence == (
        "Nothing on the frontier has a model of at most 1.00 kB and embeddings at least 500× smaller; "
        "the smallest there is: 7 tables at rank 8, dim 16, 10.0 MB, embeddings 216× smaller."
    )


def test_the_smallest_within_reach(ask):
    assert ask(Wish(within=0.02)).point.rank == 64
    assert ask(Wish(within=0.03)).point.rank == 32
    assert ask(Wish(within=0.3)).point.rank == 8
    none = ask(Wish(within=0.005))
    assert none.point is None
    assert "the nearest is 7 tables at rank 64, dim 16, 40.0 MB, embeddings 54.0× smaller, at −0.01" in none.sentence


def test_the_whole_interval_must_be_within_reach(ask):
    assert ask(Wish(within=0.03), seeds=(0, 1, 2)).point.rank == 32
    # Differences of ±0.03 points over 3 seeds: the interval reaches 4.303 · 0.03 / sqrt(3) = 0.0745 further down.
    assert ask(Wish(within=0.084), seeds=(0, 1, 2), spread=0.0003).point is None
    certain = ask(Wish(within=0.085), seeds=(0, 1, 2), spread=0.0003)
    assert certain.point.rank == 64
    assert certain.rule.endswith("its whole 95 % interval included")


def test_compression_and_the_knee(ask):
    assert ask(Wish(min_compression=100)).point.rank == 32
    assert ask(Wish(min_compression=200)).point.rank == 8
    assert ask(Wish(knee=True)).point.rank == 32
    assert ask(Wish(knee=True, max_bytes=10_000_000)).point.rank == 8


def test_without_an_uncompressed_model_nothing_is_within_reach(make_frame, make_row):
    answer = analyse(groups(make_frame([make_row()]))[0], Metric.ACCURACY, Wish(within=0.1)).answer
    assert answer.sentence == "There is no uncompressed model to be within reach of."


def test_a_slow_point_gives_way_in_three_objectives(make_frame, make_row):
    times = {8: 10.0, 16: 5.0, 32: 7.0, 64: math.nan}
    found = [
        make_row(rank=rank, model_bytes=rank * 10**6, val_accuracy=0.7 + place * 0.01, train_seconds=seconds)
        for (rank, seconds), place in zip(times.items(), (1, 0, 0, 5), strict=True)
    ]
    analysis = analyse(groups(make_frame(found))[0], Metric.ACCURACY, None, Cost.STEP)
    # Rank 8 is smallest and best; 16 is faster; 32 is larger and slower than 16; without a time one cannot compete.
    assert [a.point.rank for a in analysis.frontier] == [8, 16]
    assert analysis.reference.third == 10.0
    assert analysis.band is None


def test_contributions_are_what_would_be_lost():
    random = np.random.default_rng(2)
    for third in (None, random.uniform(1, 100, 12).tolist()):
        sizes, values = random.uniform(1e6, 1e9, 12).tolist(), random.normal(size=12).tolist()
        corner = Reference(1e9, min(values) - 1, None if third is None else 200.0)
        whole = hypervolume(sizes, values, Metric.AUC, corner, third)
        found = contributions(sizes, values, Metric.AUC, corner, third)
        for at in range(12):
            rest = [[column[k] for k in range(12) if k != at] for column in (sizes, values, third) if column]
            lost = whole - hypervolume(rest[0], rest[1], Metric.AUC, corner, rest[2] if third else None)
            assert found[at] == pytest.approx(lost, abs=1e-9)


def test_two_result_sets_are_measured_from_one_corner(make_frame, make_row):
    def analysed(**changes):
        found = [make_row(method="dense", rank=None, tables=0, model_bytes=10**9, val_accuracy=0.7)]
        found.append(make_row(**({"model_bytes": 10**7, "val_accuracy": 0.8} | changes)))
        return analyse(groups(make_frame(found))[0], Metric.ACCURACY)

    found = compare(analysed(), analysed(model_bytes=10**6), ("a", "b"))
    # From (1 GB, 70 %): two decades by 0.1, then three.
    assert found.hypervolumes == pytest.approx((0.2, 0.3))
    assert found.difference == pytest.approx(0.1)
    assert found.winners == (0, 1)
    assert found.obstacles == ()
    assert found.sentence.startswith(
        "Hypervolume of b minus that of a: +0.1 (+50.0 %), single seed: no error bars, from 0.2 to 0.3 ("
    )
    assert (
        ": −0.1 (−33.3 %), single seed: no error bars, from"
        in compare(analysed(model_bytes=10**6), analysed(), ("a", "b")).sentence
    )


@pytest.fixture
def alone(make_frame, make_row):
    """The analysis of one trial."""
    return lambda **changes: analyse(groups(make_frame([make_row(**changes)]))[0], Metric.ACCURACY)


def test_different_seeds_are_said(alone):
    found = compare(alone(seed=0), alone(seed=1), ("a", "b"))
    assert found.obstacles == ("seeds",)
    assert found.sentence.endswith("They differ in seeds, so the difference is not of the models alone.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset_fingerprint": "b"}, "differ in data (criteo-kaggle 0f3a and criteo-kaggle b);"),
        ({"budget": '{"train_samples": 2000}'}, "differ in budget (train_samples 1000 and 2000);"),
        ({"budget": '{"train_samples": 1000, "epochs": 2}'}, "differ in budget (epochs unset and 2);"),
        (
            {"dataset": "other", "dataset_fingerprint": "b", "budget": '{"train_samples": 1}'},
            "differ in data (criteo-kaggle 0f3a and other b) and budget (train_samples 1000 and 1);",
        ),
    ],
)
def test_other_data_or_budgets_are_not_compared(alone, changes, words):
    with pytest.raises(ConfigError) as caught:
        compare(alone(), alone(**changes), ("one", "two"))
    assert str(caught.value).startswith("one and two: the newest results")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_trials_that_overlap_on_a_host_shared_it(make_row):
    def trial(key, start, end, host="one", trained_as=None):
        return make_row(key=key, started_at=start, ended_at=end, host=host, trained_as=trained_as)

    rows = [
        trial("a", "2026-01-01T10:00", "2026-01-01T11:00"),
        trial("b", "2026-01-01T10:30", "2026-01-01T10:40"),
        trial("c", "2026-01-01T10:50", "2026-01-01T12:00"),
        trial("d", "2026-01-01T12:00", "2026-01-01T13:00"),
        trial("e", "2026-01-01T12:10", "2026-01-01T12:20", host="two"),
        trial("f", "2026-01-01T14:00", "2026-01-01T15:00", trained_as="t"),
        trial("g", "2026-01-01T14:00", "2026-01-01T15:00", trained_as="t"),
    ]
    assert shared_trainings([{"trained_as": None} | row for row in rows]) == {"a", "b", "c"}


def test_the_differences_interval_is_by_joint_resampling_of_seeds(make_frame, make_row):
    def side(gain):
        rows = [
            make_row(rank=rank, model_bytes=size, seed=seed, val_accuracy=0.7 + shift + gain[seed])
            for rank, size in ((8, 10**6), (64, 10**8))
            for seed, shift in enumerate((0.0, 0.05, -0.02))
        ]
        dense = make_row(method="dense", rank=None, tables=0, model_bytes=10**9, val_accuracy=0.6)
        rows += [dense | {"seed": seed} for seed in range(3)]
        return analyse(groups(make_frame(rows))[0], Metric.ACCURACY)

    base, steady, mixed = side((0, 0, 0)), side((0.01, 0.01, 0.01)), side((0.03, -0.01, 0.01))
    found = compare(base, steady, ("a", "b"))
    # What a seed does to both cancels: every draw has the same difference.
    assert found.interval == pytest.approx((found.difference, found.difference))
    assert found.difference == pytest.approx(0.03)
    found = compare(base, mixed, ("a", "b"))
    assert found.interval[0] < 0 < found.difference < found.interval[1]
    assert f"95 % interval −{-found.interval[0]:.4g} … +{found.interval[1]:.4g}, from" in found.sentence


def test_a_single_seed_has_no_interval(alone):
    found = compare(alone(), alone(val_accuracy=0.8), ("a", "b"))
    assert found.interval is None
    assert "single seed: no error bars" in found.sentence
