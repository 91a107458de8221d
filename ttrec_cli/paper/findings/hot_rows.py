"""Figure 9: how soon the most accessed rows stay the same, in the order of time and in a random one."""

from collections.abc import Mapping, Sequence
from typing import Any

from ttrec_cli.paper import published
from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.plots import Plot, Series, percent
from ttrec_cli.paper.verdict import Claim, Verdict, as_control, unknown
from ttrec_cli.report.record import Column, Table

Content = Mapping[str, Any]
SETTLED = 0.05
"""Share replaced in 3 % of the training below which a set counts as settled; the paper gives no threshold."""

DATA = "kaggle"


def figure_nine(content: Content) -> Finding:
    """Falling curves, and what of them is drift."""
    logs = content["logs"]
    claims = [_settles(log, order) for log in logs for order in ("time", "random")]
    claims += [_orders_agree(log) for log in logs if log["synthetic"] and not log["drift"]]
    claims.append(_settled_at(logs[0], content["synthetic"]))
    return Finding(
        tuple(claims),
        tuple(_plot(log) for log in logs),
        (_table(logs),),
        notes=(
            "An i.i.d. power law settles without any drift, because counts from the start change ever more slowly: "
            "what the paper's figure shows is no evidence that popularity settles. Compare both orders of the rows.",
            *(_what_drift_does(log) for log in logs if log["drift"]),
        ),
    )


def _name(log: Mapping[str, Any]) -> str:
    if not log["synthetic"]:
        return str(log["dataset"])
    return f"drift of {percent(log['drift'])} a day" if log["drift"] else "i.i.d., no drift"


def _shares(column: Mapping[str, Any], order: str) -> Sequence[float]:
    found: Sequence[float] = column[f"{order}_order"]
    return found


def _settles(log: Mapping[str, Any], order: str) -> Claim:
    """The last third of training against the first."""
    name = f"{_name(log)}, {order} order: the set of hot rows settles"
    rule = "in each of the three tables the share replaced is less, on average, in the last third than in the first"
    ends = [_thirds(_shares(column, order)) for column in log["columns"]]
    shown = ", ".join(
        f"{column['name']}: {percent(first, 1)} to {percent(last, 1)}" for column, (first, last) in _zip(log, ends)
    )
    settles = all(last < first for first, last in ends)
    why = "" if settles else f"it does not: {shown}"
    return Claim(name, "settles", shown, Verdict.AGREES if settles else Verdict.DIFFERS, rule, why)


def _zip(log: Mapping[str, Any], values: Sequence[Any]) -> list[tuple[Mapping[str, Any], Any]]:
    return list(zip(log["columns"], values, strict=True))


def _thirds(shares: Sequence[float]) -> tuple[float, float]:
    third = max(1, len(shares) // 3)
    return sum(shares[:third]) / third, sum(shares[-third:]) / third


def _ratios(log: Mapping[str, Any]) -> list[float]:
    """By table, share replaced in the last third: in the order of time over the random one."""
    pairs = [[_thirds(_shares(column, order))[1] for order in ("time", "random")] for column in log["columns"]]
    return [time / max(random, 1e-9) for time, random in pairs]


def _by_table(log: Mapping[str, Any]) -> str:
    return ", ".join(f"{column['name']}: {ratio:.3g}×" for column, ratio in _zip(log, _ratios(log)))


def _orders_agree(log: Mapping[str, Any]) -> Claim:
    """Without drift both orders are the same law."""
    rule, shown = "at most a tenth apart in each table", _by_table(log)
    right = all(0.9 <= ratio <= 1.1 for ratio in _ratios(log))
    name = f"{_name(log)}: share replaced in the last third, time order over random order"
    verdict, why = (Verdict.AGREES, "") if right else (Verdict.DIFFERS, shown)
    return as_control(Claim(name, None, shown, verdict, rule, why))


def _what_drift_does(log: Mapping[str, Any]) -> str:
    return (
        f"{_name(log)}: in the last third the order of time has {_by_table(log)} of the random order's share replaced. "
        "That is all that this measure sees of so much drift."
    )


def _settled_at(log: Mapping[str, Any], synthetic: bool) -> Claim:
    name = f"share of training after which at most {percent(SETTLED)} are replaced"
    found = [_first_settled(column) for column in log["columns"]]
    shown = ", ".join(f"{c['name']}: {'never' if at is None else percent(at)}" for c, at in _zip(log, found))
    rule = "the paper gives no threshold"
    why = "made-up data; and the paper gives no threshold" if synthetic else rule
    return unknown(name, percent(published.SETTLED_AT[DATA]), rule, why, shown)


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
                rows.append((_name(log), column["name"], order, *(percent(shares[i], 2) for i in at)))
    heads = (Column("Log"), Column("Table"), Column("Order"))
    return Table(
        "Share replaced at some points of training",
        (*heads, *(Column(f"at {percent(mark)}", numeric=True) for mark in marks)),
        tuple(rows),
    )
