"""Which configurations survive a rung: on planted data, where the truth is known."""

import math

import numpy as np
import pytest

from ttrec_cli.config import SearchConfig
from ttrec_cli.pareto.frontier import Reference, hypervolume
from ttrec_cli.pareto.metric import Metric
from ttrec_cli.sweep.halving import Candidate, Rung, difference_noise, rungs, survivors, wanted_after, within_groups

LOSS = Metric.LOGLOSS


def candidates(*points: tuple[float, float], always: tuple[int, ...] = ()) -> list[Candidate]:
    """Of two seeds that agree, so that there is no noise."""
    return [Candidate(str(i), int(size), (loss, loss), i in always) for i, (size, loss) in enumerate(points)]


def test_rungs_grow_by_eta_and_end_with_the_whole() -> None:
    assert rungs(90_000, 1, SearchConfig(eta=3, rungs=3)) == (Rung(10_000, 1), Rung(30_000, 1), Rung(90_000, 1))
    assert rungs(100, 4, SearchConfig(eta=10, rungs=2)) == (Rung(10, 4), Rung(100, 4))
    assert rungs(2, 1, SearchConfig(eta=10, rungs=4)) == (Rung(1, 1), Rung(2, 1))
    assert rungs(10**6, 5, SearchConfig(eta=2.5, rungs=2))[-1] == Rung(10**6, 5)


def test_the_first_rung_takes_fewer_seeds_on_more_data_at_the_same_cost() -> None:
    search = SearchConfig(eta=3, rungs=3)
    assert rungs(90_000, 3, search)[0] == Rung(30_000, 1)
    assert rungs(90_000, 2, search)[0] == Rung(20_000, 1)
    assert rungs(90_000, 6, search)[0] == Rung(30_000, 2)


def test_what_a_group_does_to_all_alike_is_taken_out_seed_by_seed() -> None:
    dense = [Candidate("d8", 80, (0.6, 0.7), True, "8"), Candidate("d16", 160, (0.5, 0.5), True, "16")]
    other = [Candidate("a", 10, (0.61, 0.73), group="8"), Candidate("b", 20, (0.51, 0.52), group="16")]
    found = {each.name: each.values for each in within_groups([*dense, *other])}
    assert found["a"] == pytest.approx((0.56, 0.63))
    assert found["b"] == pytest.approx((0.56, 0.62))
    alone = [Candidate("c", 5, (0.4, 0.4), group="32"), *dense]
    assert within_groups(alone) == tuple(alone)


def test_the_frontier_goes_on_even_where_fewer_are_wanted() -> None:
    frontier = [(10 * k, 0.6 - 0.01 * k) for k in range(1, 9)]
    found = survivors(candidates(*frontier, (75, 0.9)), LOSS, 4)
    assert found == {str(k) for k in range(8)}


def test_a_frontier_too_large_gives_up_what_adds_least_but_not_its_ends() -> None:
    points = [(10, 0.60), (100, 0.50), (101, 0.4999), (1000, 0.40), (1010, 0.3999), (5000, 0.39), (9000, 0.9)]
    found = survivors(candidates(*points), LOSS, 2)
    assert len(found) == 4
    assert {"0", "5"} < found
    assert len(found & {"1", "2"}) == len(found & {"3", "4"}) == 1


def test_the_number_wanted_shrinks_by_eta_at_each_rung() -> None:
    search = SearchConfig(eta=3, rungs=3)
    assert [wanted_after(39, rung, search) for rung in range(2)] == [13, 5]
    assert wanted_after(2, 1, search) == 1


def test_below_the_share_further_fronts_fill_up_nearest_first() -> None:
    points = [(10, 0.40), (20, 0.42), (20, 0.41), (30, 0.50), (40, 0.60), (50, 0.70)]
    assert survivors(candidates(*points), LOSS, 3) == {"0", "1", "2"}
    assert survivors(candidates(*points), LOSS, 2) == {"0", "2"}


def test_a_larger_value_is_better_for_accuracy() -> None:
    points = candidates((10, 0.70), (20, 0.69), (30, 0.80))
    assert survivors(points, Metric.ACCURACY, 1) == {"0", "2"}


def test_the_baseline_goes_on_even_when_dominated_and_diverged_ones_never() -> None:
    points = candidates((10, 0.4), (99, 0.9), (5, math.nan), (5, math.inf), always=(1,))
    assert survivors(points, LOSS, 1) == {"0", "1"}
    assert survivors(candidates((5, math.nan)), LOSS, 2) == frozenset()


def test_equal_points_go_on_together() -> None:
    assert survivors(candidates((10, 0.4), (10, 0.4), (20, 0.4)), LOSS, 1) == {"0", "1"}


def test_seed_noise_is_respected() -> None:
    wobble = np.array([[0.01, -0.01, 0.0], [-0.01, 0.02, -0.01], [0.0, -0.01, 0.01], [0.01, 0.0, -0.01]])
    base = [(10, 0.45), (20, 0.46), (20, 0.60), (30, 0.40)]
    noisy = [Candidate(str(i), size, tuple(loss + wobble[i])) for i, (size, loss) in enumerate(base)]
    assert survivors(noisy, LOSS, 2) == {"0", "1", "3"}
    calm = [Candidate(str(i), size, (loss, loss + 0.01, loss)) for i, (size, loss) in enumerate(base)]
    assert difference_noise(calm, LOSS) == pytest.approx(0, abs=1e-12)
    assert survivors(calm, LOSS, 1) == {"0", "3"}


def test_noise_is_that_of_differences_without_what_a_seed_does_to_all() -> None:
    chance = np.random.default_rng(3)
    noise, seeds = 0.002, 4
    shared = chance.normal(0, 0.1, seeds)
    many = [Candidate(str(i), 1, tuple(0.5 + shared + chance.normal(0, noise, seeds))) for i in range(400)]
    assert difference_noise(many, LOSS) == pytest.approx(noise * math.sqrt(2 / seeds), rel=0.1)
    assert difference_noise(many[:1], LOSS) == 0.0
    assert math.isinf(difference_noise([Candidate("a", 1, (0.5,)), Candidate("b", 1, (0.4,))], LOSS))


def test_a_single_seed_keeps_twice_as_many_for_its_noise_is_not_known() -> None:
    points = [Candidate(str(i), 10 + i, (0.5 + 0.01 * i,)) for i in range(9)]
    assert survivors(points, LOSS, 2) == {"0", "1", "2", "3"}


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
def test_halving_keeps_the_frontier_of_planted_curves_at_less_than_half_the_samples(seed: int) -> None:
    sizes, losses = learning(np.random.default_rng(seed))
    search, total = SearchConfig(eta=3, rungs=3), 9 * 10**6
    alive, reached = set(range(len(sizes))), np.zeros((len(sizes), 3))
    for number, rung in enumerate(rungs(total, 3, search)):
        reached[sorted(alive), : rung.seeds] = rung.samples / total
        if rung.samples < total:
            measured = losses(rung.samples / total)[:, : rung.seeds]
            rivals = [Candidate(str(i), int(sizes[i]), tuple(measured[i])) for i in sorted(alive)]
            alive = {int(name) for name in survivors(rivals, LOSS, wanted_after(len(sizes), number, search))}
    assert reached.mean() <= 0.45
    ends = losses(1.0).mean(axis=1)
    reference = Reference(float(sizes.max()), float(ends.max()))
    full = hypervolume(list(sizes), list(ends), LOSS, reference)
    kept = sorted(alive)
    assert hypervolume(list(sizes[kept]), list(ends[kept]), LOSS, reference) >= 0.98 * full
