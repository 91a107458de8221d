"""What is known of an item once it has been run, or that it has not: what the page and JSON are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ttrec_cli.paper.plots import Plot
from ttrec_cli.paper.verdict import Claim, Value, Verdict, overall
from ttrec_cli.report.record import Picture, Table


@dataclass(frozen=True)
class Erratum:
    """A mistake of the paper and the number of ours that shows it."""

    place: str
    printed: str
    correct: str
    shown_by: str


@dataclass(frozen=True)
class Finding:
    """What an item came to; `pictures` are memory–quality planes as on the page of `ttrec pareto`."""

    claims: tuple[Claim, ...] = ()
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    errata: tuple[Erratum, ...] = ()
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Heading:
    """What an item is, run or not."""

    id: str
    title: str
    question: str
    about: str


def scale_words(scale: str) -> str:
    """A scale in a sentence; what is exact has none."""
    return scale if scale == "exact" else f"{scale} scale"


@dataclass(frozen=True)
class Report:
    """An item on the page. `finding` is None while there is nothing of it; `state` says how far it has come."""

    heading: Heading
    scale: str
    state: str
    finding: Finding | None = None
    warning: str = ""
    """Said above everything else: data that is not real."""
    provenance: tuple[tuple[str, str], ...] = ()

    @property
    def verdict(self) -> tuple[Verdict | None, str]:
        """The item's word, and why; no word while there is nothing to judge."""
        return overall(self.finding.claims) if self.finding is not None else (None, self.state)

    @property
    def told(self) -> str:
        """Why the verdict is what it is, and the state of an item that is not simply done."""
        why = self.verdict[1]
        return why if self.state in ("done", why) else f"{why} ({self.state})"

    def payload(self) -> Mapping[str, Any]:
        """For `--json`: measured and published numbers by claim."""
        word, why = self.verdict
        claims = self.finding.claims if self.finding is not None else ()
        measured: dict[str, Value] = {claim.name: claim.measured for claim in claims}
        published: dict[str, Value] = {claim.name: claim.published for claim in claims}
        return {
            "id": self.heading.id,
            "verdict": None if word is None else word.value,
            "measured": measured,
            "published": published,
            "why": why,
            "scale": self.scale,
            "state": self.state,
            "claims": {claim.name: claim.verdict.value for claim in claims},
        }
