"""Days and splits of a click log, by the rules of the DLRM script.

A log without dates is cut in file order into 7 days whose sizes differ by one row at most, larger ones
first. Days 1 to 6 are trained on; the first half of day 7 (the larger one) is test, the rest validation.
"""

from collections.abc import Mapping

DAYS = 7
MIN_ROWS = 2 * DAYS
"""With fewer rows the last day cannot be halved."""

SPLIT_NAMES = ("train", "test", "validation")
"""The splits in the order of their rows on disk."""


def day_sizes(rows: int) -> tuple[int, ...]:
    """Rows of each day: `rows` // 7, and one more in the first `rows` % 7 days."""
    small, larger_days = divmod(rows, DAYS)
    return tuple(small + (day < larger_days) for day in range(DAYS))


def split_rows(rows: int) -> Mapping[str, range]:
    """Rows of each split: days 1 to 6, then the two halves of day 7."""
    last_day = day_sizes(rows)[-1]
    test_start = rows - last_day
    validation_start = test_start + (last_day + 1) // 2
    return {
        "train": range(test_start),
        "test": range(test_start, validation_start),
        "validation": range(validation_start, rows),
    }
