"""The multiple-choice knapsack against brute force."""

import itertools
from random import Random

import pytest

from ttrec_cli.planning import knapsack
from ttrec_cli.planning.knapsack import least_loss


def random_classes(random: Random):
    def option():
        return random.randint(0, 40), random.choice((random.random(), random.randint(0, 6) / 4))

    return [[option() for _ in range(random.randint(1, 6))] for _ in range(random.randint(1, 5))]


def loss_and_cost(classes, choice):
    options = [options[at] for options, at in zip(classes, choice, strict=True)]
    return sum(loss for _, loss in options), sum(cost for cost, _ in options)


@pytest.mark.parametrize("first_states", [0, 500])
def test_the_least_loss_of_all_choices_that_fit(monkeypatch, first_states) -> None:
    monkeypatch.setattr(knapsack, "_FIRST_PAIRS", first_states)  # 0: every step must cut a class in two
    for seed in range(500):
        random = Random(seed)
        classes, budget = random_classes(random), random.randint(0, 120)
        everything = itertools.product(*(range(len(options)) for options in classes))
        losses = [loss for loss, cost in (loss_and_cost(classes, choice) for choice in everything) if cost <= budget]
        found = least_loss(classes, budget)
        if found is None:
            assert losses == [], seed
            continue
        loss, cost = loss_and_cost(classes, found)
        assert cost <= budget, seed
        assert loss == pytest.approx(min(losses), abs=1e-12), seed


def test_a_greedy_choice_would_be_worse() -> None:
    # The second class saves more a unit of cost, but leaves room for nothing else.
    assert least_loss([[(0, 10.0), (6, 0.0)], [(0, 9.0), (5, 0.0)]], 6) == (1, 0)


def test_nothing_fits_and_nothing_to_choose() -> None:
    assert least_loss([[(5, 0.0)], [(6, 0.0)]], 10) is None
    assert least_loss([], 0) == ()
