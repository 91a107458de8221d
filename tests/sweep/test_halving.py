"""Which configurations survive a rung: on planted data, where the truth is known."""

import math

import numpy as np
import pytest

from ttrec_cli.config import SearchConfig
from ttrec_cli.pareto.frontier import Reference, hypervolume
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.sweep.halving import (
    ASSUMED_NOISE,
    Candidate,
    Rung,
    expected_share,
    noise_of,
    rungs,
    survivors,
    wanted_after,
)

LOSS = Metric.LOGLOSS


def candidates(*points: tuple[float, float], always: tuple[int, ...] = ()) -> list[Candidate]:
    """Of two seeds that agree, so that there is no noise."""
    return [Candidate(str(i), int(size), (loss, loss), i in always) for i, (size, loss) in enumerate(points)]


def test_rungs_grow_by_eta_and_end_with_the_whole_and_the_first_is_half_as_long() -> None:
    assert rungs(90_000, 1, SearchConfig(eta=3, rungs=3)) == (Rung(5_000, 1), Rung(30_000, 1), Rung(90_000, 1))
    assert rungs(2, 1, SearchConfig(eta=10, rungs=4)) == (Rung(1, 1), Rung(2, 1))
    assert rungs(10**6, 1, SearchConfig(eta=2.5, rungs=2)) == (Rung(200_000, 1), Rung(10**6, 1))


def test_a_second_seed_begins_when_the_first_has_come_to_its_end() -> None:
    search = SearchConfig(eta=3, rungs=3)
    assert rungs(90_000, 3, search) == (Rung(15_000, 1), Rung(90_000, 1), Rung(90_000, 3))
    assert rungs(90_000, 2, search) == (Rung(10_000, 1), Rung(60_000, 1), Rung(90_000, 2))
    assert rungs(90_000, 5, search) == (Rung(25_000, 1), Rung(90_000, 1), Rung(90_000, 5))
    assert rungs(90_000, 18, search) == (Rung(90_000, 1), Rung(90_000, 6), Rung(90_000, 18))
    assert rungs(100, 4, SearchConfig(eta=10, rungs=2)) == (Rung(20, 1), Rung(100, 4))


def test_a_quarter_is_dropped_first_and_then_all_but_an_etath() -> None:
    search = SearchConfig(eta=3, rungs=3)
    assert [wanted_after(38, rung, search) for rung in range(2)] == [29, 10]
    assert [wanted_after(1, rung, search) for rung in range(2)] == [1, 1]


def test_the_share_of_samples_is_known_beforehand() -> None:
    search = SearchConfig()
    assert expected_share(38, 214_286, 3, search) == pytest.approx((38 / 6 + 29 * 5 / 6 + 10 * 2) / (38 * 3), rel=1e-4)
    assert expected_share(1, 90_000, 1, search) == 1.0


def test_the_frontier_goes_on_first() -> None:
    frontier = [(10 * 2**k, 0.6 - 0.01 * k) for k in range(8)]
    dominated = [(size + 1, loss + 0.02) for size, loss in frontier]
    assert survivors(candidates(*frontier, *dominated), LOSS, 8) == {str(k) for k in range(8)}
    assert {str(k) for k in range(8)} < survivors(candidates(*frontier, *dominated), LOSS, 10)


def test_of_a_frontier_too_large_those_go_on_that_fill_gaps() -> None:
    points = [(10, 0.60), (100, 0.50), (101, 0.4999), (1000, 0.40), (1010, 0.3999), (9000, 0.9)]
    found = survivors(candidates(*points), LOSS, 3)
    assert len(found) == 3
    assert len(found & {"1", "2"}) == len(found & {"3", "4"}) == 1
    assert "5" not in found


def test_the_best_of_all_is_worth_something_even_where_it_is_the_largest() -> None:
    assert survivors(candidates((10, 0.60), (11, 0.59), (5000, 0.30)), LOSS, 2) == {"1", "2"}


def test_where_nothing_adds_more_the_nearest_to_the_front_fill_up() -> None:
    points = [(10, 0.40), (20, 0.42), (20, 0.41), (30, 0.50), (40, 0.60)]
    assert survivors(candidates(*points), LOSS, 3) == {"0", "1", "2"}
    assert survivors(candidates(*points), LOSS, 2) == {"0", "2"}
    assert survivors(candidates(*points), LOSS, 99) == {"0", "1", "2", "3", "4"}


def test_a_larger_value_is_better_for_accuracy() -> None:
    points = candidates((10, 0.70), (20, 0.69), (30, 0.80))
    assert survivors(points, Metric.ACCURACY, 2) == {"0", "2"}


def test_the_baseline_goes_on_even_when_dominated_and_diverged_ones_never() -> None:
    points = candidates((10, 0.4), (99, 0.9), (5, math.nan), (5, math.inf), always=(1,))
    assert survivors(points, LOSS, 2) == {"0", "1"}
    assert survivors(points, LOSS, 4) == {"0", "1"}
    assert survivors(candidates((5, math.nan)), LOSS, 2) == frozenset()


def test_seed_noise_is_respected() -> None:
    """Beside a point of the frontier one that noise alone may keep off it is worth more than one far from it."""
    wobble = np.array([[0.02, -0.01, -0.01], [-0.01, 0.02, -0.01], [0.0, -0.01, 0.01], [-0.01, 0.0, 0.01]])
    base = [(10, 0.45), (20, 0.452), (20, 0.60), (1000, 0.40)]
    noisy = [Candidate(str(i), size, tuple(loss + wobble[i])) for i, (size, loss) in enumerate(base)]
    assert survivors(noisy, LOSS, 3) == {"0", "1", "3"}


def test_noise_is_that_of_means_without_what_a_seed_does_to_all() -> None:
    chance = np.random.default_rng(3)
    noise, seeds = 0.002, 4
    shared = chance.normal(0, 0.1, seeds)
    many = [Candidate(str(i), 1, tuple(0.5 + shared + chance.normal(0, noise, seeds))) for i in range(400)]
    assert noise_of(many, LOSS) == pytest.approx(noise / math.sqrt(seeds), rel=0.1)
    calm = [Candidate(str(i), 1, (0.5 + i, 0.6 + i)) for i in range(3)]
    assert noise_of(calm, LOSS) == pytest.approx(0, abs=1e-12)


def test_the_noise_of_a_single_seed_is_assumed_from_how_far_configurations_differ() -> None:
    spread = [Candidate(str(i), 1, (0.1 * i,)) for i in range(5)]
    assert noise_of(spread, LOSS) == pytest.approx(ASSUMED_NOISE * 0.2)
    assert noise_of(spread[:1], LOSS) == 0.0


def test_a_choice_among_hundreds_is_the_same_each_time() -> None:
    chance = np.random.default_rng(5)
    sizes, losses = 10 ** chance.uniform(6, 9, 500), chance.normal(0.5, 0.01, 500)
    many = [Candidate(str(i), int(sizes[i]), (losses[i],)) for i in range(500)]
    found = survivors(many, LOSS, 50)
    assert len(found) == 50
    assert survivors(many, LOSS, 50) == found


def learning(chance: np.random.Generator, configurations: int = 40, seeds: int = 3):
    """Planted curves: larger models end better but learn more slowly, a third is handicapped, seeds add noise."""
    sizes = 10 ** chance.uniform(6, 9, configurations)
    final = 0.60 - 0.02 * np.log10(sizes) + np.where(chance.random(configurations) < 0.6, chance.exponential(0.02), 0)
    final = final + chance.exponential(0.006, configurations)
    slow = 0.05 + 0.01 * (np.log10(sizes) - 6)
    noise = chance.normal(0, 0.0008, (configurations, seeds))

    def losses(share: float) -> np.ndarray:
        return (final + slow * (share**-0.4 - 1) * 0.3)[:, None] + noise * share**-0.25

    return sizes, losses


@pytest.mark.parametrize("seed", range(12))
def test_halving_keeps_the_frontier_of_planted_curves_at_45_percent_of_the_samples(seed: int) -> None:
    sizes, losses = learning(np.random.default_rng(seed))
    search, total = SearchConfig(eta=3, rungs=3), 9 * 10**6
    alive, reached = set(range(len(sizes))), np.zeros((len(sizes), 3))
    for number, rung in enumerate(rungs(total, 3, search)):
        reached[sorted(alive), : rung.seeds] = rung.samples / total
        if rung != Rung(total, 3):
            measured = losses(rung.samples / total)[:, : rung.seeds]
            rivals = [Candidate(str(i), int(sizes[i]), tuple(measured[i])) for i in sorted(alive)]
            alive = {int(name) for name in survivors(rivals, LOSS, wanted_after(len(sizes), number, search))}
    assert reached.mean() <= 0.45
    ends = losses(1.0).mean(axis=1)
    reference = Reference(float(sizes.max()), float(ends.max()))
    full = hypervolume(list(sizes), list(ends), LOSS, reference)
    kept = sorted(alive)
    assert hypervolume(list(sizes[kept]), list(ends[kept]), LOSS, reference) >= 0.97 * full
