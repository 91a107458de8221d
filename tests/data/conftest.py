"""Click logs in raw layout, made up row by row."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest


def _raw_lines(rows: int, seed: int) -> list[str]:
    """Lines with missing and negative integers, short and upper-case hex, rare values and an explicit hex 0."""
    source = random.Random(seed)
    lines = []
    for _ in range(rows):
        integers = ["" if source.random() < 0.2 else str(int(source.lognormvariate(2, 2)) - 2) for _ in range(13)]
        categories = []
        for column in range(26):
            value = int(source.paretovariate(0.7)) * (column + 1) * 2654435761 % 2**32
            form = source.choice(["{:08x}", "{:08x}", "{:08x}", "{:X}", ""])
            categories.append(form.format(0 if source.random() < 0.02 else value))
        lines.append("\t".join([str(int(source.random() < 0.25)), *integers, *categories]))
    return lines


@pytest.fixture
def raw_lines() -> Callable[[int, int], list[str]]:
    """(rows, seed) -> that many good lines of train.txt."""
    return _raw_lines


@pytest.fixture
def raw_log(tmp_path: Path) -> Callable[..., Path]:
    """(rows) -> path of a train.txt with that many good lines."""

    def write(rows: int, seed: int = 1) -> Path:
        path = tmp_path / "train.txt"
        path.write_text("\n".join(_raw_lines(rows, seed)) + "\n")
        return path

    return write
