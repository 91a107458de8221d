"""Figure 9: how soon the most accessed rows stay the same, in the order of time and in a random one."""

from collections.abc import Mapping, Sequence
from typing import Any

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.plots import Plot, Series
from ttrec_cli.paper.verdict import Claim, Verdict, unknown
from ttrec_cli.report.record import Column, Table

Content = Mapping[str, Any]
SETTLED = 0.05
"""Share replaced in 3 % of the training below which a set counts as settled; the paper gives no threshold."""

DATA = "kaggle"


def figure_nine(content: Content) -> Finding:
    """Falling curves, and what of them is drift."""
    logs = content["logs"]
    claims = [_settles(log, order) for log in logs for order in ("time", "random")]
    claims += [_drift_shows(log) for log in logs if log["synthetic"]]
    claims.append(_settled_at(logs[0], content["synthetic"]))
    return Finding(
        tuple(claims),
        tuple(_plot(log) for log in logs),
        (_table(logs),),
        notes=(
            "An i.i.d. power law settles without any drift, because counts from the start change ever more slowly: "
            "what the paper's figure shows is no evidence that popularity settles. Compare both orders of the rows.",
        ),
    )


def _name(log: Mapping[str, Any]) -> str:
    if not log["synthetic"]:
        return str(log["dataset"])
    return f"drift {log['drift']:.0%} a day" if log["drift"] else "i.i.d., no drift"


def _shares(column: Mapping[str, Any], order: str) -> Sequence[float]:
    found: Sequence[float] = column[f"{order}_order"]
    return found


def _settles(log: Mapping[str, Any], order: str) -> Claim:
    """The last third of training against the first."""
    name = f"{_name(log)}, {order} order: the set of hot rows settles"
    rule = "in each of the three tables the share replaced is less, on average, in the last third than in the first"
    ends = [_thirds(_shares(column, order)) for column in log["columns"]]
    shown = ", ".join(f"{column['name']}: {first:.1%} to {last:.1%}" for column, (first, last) in _zip(log, ends))
    settles = all(last < first for first, last in ends)
    why = "" if settles else f"it does not: {shown}"
    return Claim(name, "settles", shown, Verdict.AGREES if settles else Verdict.DIFFERS, rule, why)


def _zip(log: Mapping[str, Any], values: Sequence[Any]) -> list[tuple[Mapping[str, Any], Any]]:
    return list(zip(log["columns"], values, strict=True))


def _thirds(shares: Sequence[float]) -> tuple[float, float]:
    third = max(1, len(shares) // 3)
    return sum(shares[:third]) / third, sum(shares[-third:]) / third


def _drift_shows(log: Mapping[str, Any]) -> Claim:
    """Of a log whose drift is known: the order of time lies above the random one exactly where there is drift."""
    name = f"{_name(log)}: time order above random order in the last third"
    rule = "more than a tenth above it in each table with drift, at most a tenth apart without: a check of the method"
    ratios = [
        _thirds(_shares(column, "time"))[1] / max(_thirds(_shares(column, "random"))[1], 1e-9)
        for column in log["columns"]
    ]
    shown = ", ".join(f"{column['name']}: {ratio:.3g}×" for column, ratio in _zip(log, ratios))
    right = all(ratio > 1.1 for ratio in ratios) if log["drift"] else all(0.9 <= ratio <= 1.1 for ratio in ratios)
    expected = "above" if log["drift"] else "not above"
    return Claim(name, expected, shown, Verdict.AGREES if right else Verdict.DIFFERS, rule, "" if right else shown)


def _settled_at(log: Mapping[str, Any], synthetic: bool) -> Claim:
    name = f"share of training after which at most {SETTLED:.0%} are replaced"
    found = [_first_settled(column) for column in log["columns"]]
    shown = ", ".join(f"{c['name']}: {'never' if at is None else f'{at:.0%}'}" for c, at in _zip(log, found))
    rule = "the paper gives no threshold"
    why = "made-up data; and the paper gives no threshold" if synthetic else rule
    return unknown(name, f"{published.SETTLED_AT[DATA]:.0%}", rule, why, shown)


def _first_settled(column: Mapping[str, Any]) -> float | None:
    pairs = zip(column["progress"], _shares(column, "time"), strict=True)
    return next((at for at, share in pairs if share <= SETTLED), None)


def _plot(log: Mapping[str, Any]) -> Plot:
    series = tuple(
        Series(
            f"{column['name']}, {order} order",
            tuple(column["progress"]),
            tuple(share or None for share in _shares(column, order)),  # 0 has no place on a logarithmic axis
            look,
            dashed=order == "random",
        )
        for look, column in enumerate(log["columns"])
        for order in ("time", "random")
    )
    tops = ", ".join(f"{column['name']} {column['top']:,}" for column in log["columns"])
    return Plot(
        title=f"{_name(log)}; most accessed rows counted: {tops}",
        summary=f"{_name(log)}: share of the most accessed rows replaced since 3 % of training before, logarithmic, "
        f"over the share of training done, for {', '.join(each.name for each in series)}.",
        x_title="share of training done",
        y_title="share replaced (logarithmic)",
        series=series,
        y_log=True,
        percent="xy",
    )


def _table(logs: Sequence[Mapping[str, Any]]) -> Table:
    marks = (0.1, 0.25, 0.5, 0.75, 1.0)
    rows = []
    for log in logs:
        for column in log["columns"]:
            for order in ("time", "random"):
                shares, progress = _shares(column, order), column["progress"]
                at = [min(range(len(progress)), key=lambda i, m=mark: abs(progress[i] - m)) for mark in marks]  # type: ignore[misc]
                rows.append((_name(log), column["name"], order, *(f"{shares[i]:.2%}" for i in at)))
    heads = (Column("Log"), Column("Table"), Column("Order"))
    return Table(
        "Share replaced at some points of training",
        (*heads, *(Column(f"at {mark:.0%}", numeric=True) for mark in marks)),
        tuple(rows),
    )
