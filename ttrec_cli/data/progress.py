"""How long work in this room says how far it is."""

from collections.abc import Callable

Progress = Callable[[int], None]
"""Is told the rows done since it was last told."""


def no_progress(rows: int) -> None:
    """Tells nobody."""
