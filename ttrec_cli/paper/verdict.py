"""Verdicts: what the paper says beside what came out here, and the rule that judges them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ttrec_cli.paper.trends import Interval

Value = float | int | str | None


class Verdict(StrEnum):
    """The three words; `why` beside them says the rest."""

    AGREES = "agrees"
    DIFFERS = "differs"
    CANNOT = "cannot be compared"


@dataclass(frozen=True)
class Claim:
    """One thing the paper says, or a control of ours. `rule`, which does not depend on the outcome, judges it."""

    name: str
    published: Value
    measured: Value
    verdict: Verdict
    rule: str
    why: str = ""
    is_control: bool = False


ITEM_RULE = (
    "An item differs if one of its claims differs. Otherwise it agrees if its first claim, the main one, agrees and "
    "every control of ours does."
)


def overall(claims: Sequence[Claim]) -> tuple[Verdict, str]:
    """An item's verdict from those of its claims, the main one first, and why."""
    if not claims:
        return Verdict.CANNOT, "the paper has no such item"
    for claim in claims:
        if claim.verdict == Verdict.DIFFERS and not claim.is_control:
            return Verdict.DIFFERS, f"{claim.name}: {claim.why}" if claim.why else claim.name
    for claim in claims:
        if claim.verdict != Verdict.AGREES and claim.is_control:
            return Verdict.CANNOT, f"control: {claim.name}: {claim.why}"
    if claims[0].verdict == Verdict.AGREES:
        open_claims = sum(claim.verdict == Verdict.CANNOT for claim in claims)
        rest = f"; {open_claims} of {len(claims)} claims cannot be compared" if open_claims else ""
        said = f"{claims[0].name}: {shown(claims[0].measured)}, published {shown(claims[0].published)}"
        return Verdict.AGREES, f"{said}{rest}"
    return Verdict.CANNOT, f"{claims[0].name}: {claims[0].why}" if claims[0].why else claims[0].name


def shown(value: Value) -> str:
    """A measured or published value in words."""
    return "–" if value is None else value if isinstance(value, str) else f"{value:g}".replace("-", "−")


def unknown(name: str, published: Value, rule: str, why: str, measured: Value = None) -> Claim:
    """A claim that cannot be compared."""
    return Claim(name, published, measured, Verdict.CANNOT, rule, why)


def equal(name: str, published: float, measured: float, within: float) -> Claim:
    """Arithmetic: the same up to the paper's rounding."""
    verdict = Verdict.AGREES if abs(measured - published) <= within else Verdict.DIFFERS
    rule = f"at most {within:g} apart: a unit of the last digit, as the paper rounds some and cuts off others"
    why = "" if verdict == Verdict.AGREES else f"{measured:g} here, {published:g} there"
    return Claim(name, published, measured, verdict, rule, why)


BY_INTERVAL = "by the 95 % interval (Student's t) of differences paired by seed: it must exclude 0"


def signed(name: str, published: Value, interval: Interval | None, sign: int, control: Interval | None = None) -> Claim:
    """A trend with a direction: its interval excludes 0 on the published side, and so does what it gains on a control.

    `interval` is None where trials are missing; `control` is the effect minus that of frozen cores, where there are
    such.
    """
    above = " also after subtracting what frozen cores show" if control is not None else ""
    rule = f"{BY_INTERVAL} {'above' if sign > 0 else 'below'}{above}"
    if interval is None:
        return unknown(name, published, rule, "trials are missing")
    text = str(interval)
    if interval.low is None or interval.high is None:
        return unknown(name, published, rule, f"{interval.count} seed gives no interval", text)
    if interval.side == 0:
        return unknown(name, published, rule, f"no effect shows: {text}", text)
    if interval.side != sign:
        return Claim(name, published, text, Verdict.DIFFERS, rule, f"the other way round: {text}")
    if control is not None and control.side != sign:
        return unknown(name, published, rule, f"frozen cores show as much: {control} is left of {text}", text)
    return Claim(name, published, text, Verdict.AGREES, rule)


def as_control(claim: Claim) -> Claim:
    """The claim as a check of ours, which the paper does not have."""
    return replace(claim, published=None, is_control=True)


def small_beside(name: str, published: Value, interval: Interval | None, yardstick: Interval | None) -> Claim:
    """No difference to speak of: the interval lies within a tenth of a difference that does show."""
    rule = "the whole interval lies within ± a tenth of the largest effect of the same table"
    if interval is None or yardstick is None:
        return unknown(name, published, rule, "trials are missing")
    if interval.low is None or interval.high is None or yardstick.side == 0:
        return unknown(name, published, rule, "no effect shows to measure it by", str(interval))
    reach, room = max(abs(interval.low), abs(interval.high)), abs(yardstick.mean) / 10
    if reach <= room:
        return Claim(name, published, str(interval), Verdict.AGREES, rule)
    if interval.side and abs(interval.mean) > room:
        return Claim(name, published, str(interval), Verdict.DIFFERS, rule, f"{interval} where ±{room:.4f} is allowed")
    return unknown(name, published, rule, f"too few seeds: {interval} where ±{room:.4f} is allowed", str(interval))


def no_better(name: str, published: Value, gap: Interval | None, yardstick: Interval | None) -> Claim:
    """What costs more gains nothing: its log-loss minus that of what costs less is not below 0, or hardly."""
    rule = "the interval lies above 0 (it is no better), or within ± a tenth of the effect that it would add to"
    if gap is not None and gap.low is not None and gap.low >= 0:
        return Claim(name, published, str(gap), Verdict.AGREES, rule)
    return replace(small_beside(name, published, gap, yardstick), rule=rule)


def faster(name: str, published: Value, quick: "Spread", slow: "Spread", ratio: str | None = None) -> Claim:
    """Times of one process, in turns: the quick one's 80th percentile lies below the slow one's 20th."""
    rule = "80 % of the calls of the quick one take less time than 80 % of those of the slow one"
    measured = ratio or f"{slow.median / quick.median:.3g}×"
    if quick.high < slow.low:
        return Claim(name, published, measured, Verdict.AGREES, rule)
    if slow.high < quick.low:
        return Claim(name, published, measured, Verdict.DIFFERS, rule, f"the other way round: {measured}")
    return unknown(name, published, rule, "the times overlap", measured)


@dataclass(frozen=True)
class Spread:
    """Milliseconds of a case: 20th percentile, median, 80th percentile."""

    low: float
    median: float
    high: float

    def over(self, count: float) -> "Spread":
        """The same for each of `count` parts."""
        return Spread(self.low / count, self.median / count, self.high / count)
