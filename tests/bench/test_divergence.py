"""Divergences against numerical integrals and known distributions; Table 1 against the paper's own terms."""

from math import exp, log, pi, sqrt

import numpy as np
import pytest

from ttrec_cli.bench.divergence import LEAST_KL, kl_uniform_to_normal, spread, table_one


@pytest.mark.parametrize("variance_times_rows", [0.05, 1 / 3, 1.0, 40.0])
def test_the_closed_form_is_the_integral(variance_times_rows: float) -> None:
    rows = 500
    variance, bound = variance_times_rows / rows, 1 / sqrt(rows)
    x = np.linspace(-bound, bound, 200_001)
    p = 1 / (2 * bound)
    q = np.exp(-(x**2) / (2 * variance)) / sqrt(2 * pi * variance)
    integral = float(np.trapezoid(p * np.log(p / q), x))
    assert kl_uniform_to_normal(rows, variance) == pytest.approx(integral, rel=1e-6)


@pytest.mark.parametrize("rows", [10, 10_131_227])
def test_one_over_3n_is_the_nearest_normal(rows: int) -> None:
    best = kl_uniform_to_normal(rows, 1 / (3 * rows))
    assert best == pytest.approx(LEAST_KL)
    assert best == pytest.approx(0.176, abs=5e-4)
    assert all(kl_uniform_to_normal(rows, factor / (3 * rows)) > best for factor in (0.9, 1.1))


def test_table_one_is_the_papers_with_its_errors_mended() -> None:
    n = 1_000_000
    c = 0.5 * log(2 / (pi * n))
    expected = [0, -(c - 1 / (6 * n)), -(c - 1 / (3 * n) + 0.5 * log(2)), -(c - 4 / (3 * n) + 0.5 * log(8)), 0.1764]
    expected.append(-(0.5 * log(18 * n / pi) - 1.5 * n))
    found = table_one(n)
    assert [row.kl for row in found] == pytest.approx(expected, rel=1e-3)
    assert found[3].kl == pytest.approx(-c - 1.04, abs=1e-3)
    assert all(row.erratum for row in found[1:])
    assert not found[0].erratum


def test_known_distributions_have_their_known_spread() -> None:
    chance = np.random.default_rng(11)
    rows = 300
    normal = spread(chance.normal(0, sqrt(1 / (3 * rows)), 400_000), rows)
    assert normal.rms == pytest.approx(1 / sqrt(3 * rows), rel=5e-3)
    assert normal.kurtosis == pytest.approx(3, abs=0.05)
    assert normal.kl_to_normal == pytest.approx(0, abs=3e-3)
    assert normal.kl_to_uniform is None
    assert normal.kl_from_uniform == pytest.approx(LEAST_KL, abs=5e-3)
    uniform = spread(chance.uniform(-1, 1, 400_000) / sqrt(rows), rows)
    assert uniform.kurtosis == pytest.approx(1.8, abs=0.01)
    assert uniform.kl_to_uniform == pytest.approx(0, abs=3e-3)
    assert uniform.kl_from_uniform == pytest.approx(0, abs=3e-3)
    # D(Uniform ‖ N(0, 1/3n)) again, estimated from draws
    assert uniform.kl_to_normal == pytest.approx(LEAST_KL, abs=5e-3)
    assert uniform.near_zero == pytest.approx(0.1, abs=0.003)
    wide = spread(chance.normal(0, 10 * sqrt(1 / (3 * rows)), 400_000), rows)
    assert wide.kl_to_normal == pytest.approx(0.5 * (100 - 1 - log(100)), rel=0.01)
    assert wide.beyond_uniform == pytest.approx(1 - 0.1376, abs=0.01)
    assert exp(wide.kl_from_uniform) > exp(normal.kl_from_uniform)
