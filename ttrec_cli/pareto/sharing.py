"""Which trials ran beside others on the same machine: their times are not comparable."""

from collections import defaultdict
from collections.abc import Sequence

from ttrec_cli.pareto.points import Row, text

_Span = tuple[str, str, str]
"""Start, end (ISO 8601 in UTC, which sorts as text) and what was trained."""


def training(row: Row) -> str:
    """What names the training of a row: rows whose cells come to the same plan share one."""
    return text(row["trained_as"]) or text(row["key"])


def shared_trainings(rows: Sequence[Row]) -> frozenset[str]:
    """The trainings that ran while another one ran on the same host."""
    spans: dict[str, set[_Span]] = defaultdict(set)
    for row in rows:
        span = text(row["started_at"]), text(row["ended_at"])
        if all(span):
            spans[text(row["host"])].add((*span, training(row)))
    return frozenset(name for host in spans.values() for name in _overlapping(sorted(host)))


def _overlapping(spans: Sequence[_Span]) -> set[str]:
    """Trainings among spans in order of their start that overlap another one."""
    found: set[str] = set()
    latest: _Span | None = None
    for span in spans:
        if latest is not None and span[0] < latest[1]:
            found |= {span[2], latest[2]}
        if latest is None or span[1] > latest[1]:
            latest = span
    return found
