"""Quantiles of Student's t distribution with a whole number of degrees of freedom, in closed form."""

from math import atan, cos, pi, sin, sqrt, tan


def central_probability(t: float, degrees: int) -> float:
    """P(|T| <= t) for t >= 0 and at least 1 degree of freedom.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 (odd) and 26.7.4 (even).
    """
    return _probability_of_angle(atan(t / sqrt(degrees)), degrees)


def t_quantile(probability: float, degrees: int) -> float:
    """The t with P(|T| <= t) = `probability`, within about 1e-12 of its value.

    Raises `ValueError` unless 0 < probability < 1 and degrees >= 1.
    """
    if degrees < 1 or not 0 < probability < 1:
        raise ValueError(f"need degrees >= 1 and 0 < probability < 1, but have {degrees=} and {probability=}")
    low, high = 0.0, pi / 2
    for _ in range(60):  # halving the angle's interval: pi / 2 / 2^60 is below a float's precision
        middle = (low + high) / 2
        if _probability_of_angle(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return sqrt(degrees) * tan(low)


def _probability_of_angle(angle: float, degrees: int) -> float:
    cosine_squared = cos(angle) ** 2
    odd = degrees % 2
    term = cos(angle) if odd else 1.0
    total = 0.0
    for k in range(1 + odd, degrees, 2):  # cos (or 1), then times 2/3 · cos², 4/5 · cos² (or 1/2, 3/4)
        total += term
        term *= cosine_squared * k / (k + 1)
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
