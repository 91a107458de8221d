"""Figure 3: densities of initial entries, the errata of Table 1's divergences and of Algorithm 3's scale."""

from collections.abc import Mapping, Sequence
from math import exp, pi, sqrt
from typing import Any

from ttrec_cli.bench.divergence import LEAST_KL, table_one
from ttrec_cli.paper.finding import Erratum, Finding
from ttrec_cli.paper.plots import Plot, Series
from ttrec_cli.paper.verdict import Claim, Verdict
from ttrec_cli.report.record import Column, Table

Content = Mapping[str, Any]
SAMPLED, GAUSSIAN, UNIFORM = "sampled-gaussian", "gaussian", "uniform"
BINS, RANGE = 240, 2.4
POINTS = tuple(RANGE * (2 * (at + 0.5) / BINS - 1) for at in range(BINS))
KAGGLE_ROWS = 10_131_227


def figure_three(content: Content) -> Finding:
    """Products of three scalars as the paper draws them; whole tables beside."""
    products = {case["distribution"]: case for case in content["products"]}
    tables = {case["distribution"]: case for case in content["cases"] if case["scale"] == "calibrated"}
    claims = (
        _crowds_less(products),
        _nearest(products, "one scalar a core: sampled Gaussians are nearest to N(0, 1/3n)"),
        _nearest(tables, f"whole table at rank {content['rank']}: sampled Gaussians are nearest to N(0, 1/3n)"),
        _scale_holds(content["as_published"]),
    )
    plots = (
        _plot("One scalar a core, as printed", products),
        _plot(f"Whole table, rank {content['rank']}", tables),
    )
    return Finding(claims, plots, (_table(content),), (*_table_one_errata(content), _scale_erratum(content)))


def _crowds_less(cases: Mapping[str, Any]) -> Claim:
    """The paper's reason for sampling: products of plain numbers crowd at zero."""
    near = {name: case["spread"]["near_zero"] for name, case in cases.items()}
    return _least(
        near, "products of sampled Gaussians crowd least at zero", "least share of entries within 0.1/√n of 0"
    )


def _nearest(cases: Mapping[str, Any], name: str) -> Claim:
    far = {each: case["spread"]["kl_to_normal"] for each, case in cases.items()}
    return _least(far, name, "least divergence D(entries ‖ N(0, 1/3n))")


def _least(values: Mapping[str, float], name: str, rule: str) -> Claim:
    best = min(values, key=lambda each: values[each])
    shown = ", ".join(f"{each} {value:.3g}" for each, value in values.items())
    verdict = Verdict.AGREES if best == SAMPLED else Verdict.DIFFERS
    why = "" if verdict == Verdict.AGREES else f"here {best} cores have the {rule} ({shown})"
    return Claim(name, SAMPLED, shown, verdict, rule, why)


def _scale_holds(found: Sequence[Mapping[str, Any]]) -> Claim:
    name, rule = "Algorithm 3 gives entries as large as N(0, 1/3n)", "root mean square within 10 % at each rank"
    shown = ", ".join(f"rank {each['rank']}: {each['rms_over_target']:.4g}×" for each in found)
    holds = all(abs(each["rms_over_target"] - 1) <= 0.1 for each in found)
    verdict = Verdict.AGREES if holds else Verdict.DIFFERS
    return Claim(name, "1×", shown, verdict, rule, "" if holds else f"too large: {shown}")


def _plot(title: str, cases: Mapping[str, Any]) -> Plot:
    normal = tuple(sqrt(1.5 / pi) * exp(-1.5 * x * x) for x in POINTS)
    uniform = tuple(0.5 if abs(x) < 1 else 0.0 for x in POINTS)
    names = [name for name in (SAMPLED, GAUSSIAN, UNIFORM) if name in cases]
    lines = [Series(name, POINTS, tuple(cases[name]["density"]), look) for look, name in enumerate(names)]
    return Plot(
        title=title,
        summary=f"{title}: densities of initial entries times the root of n for {', '.join(names)} cores, beside "
        "N(0, 1/3n) and Uniform(±1/√n). The table below has the numbers.",
        x_title="entry × √n",
        y_title="density",
        series=(
            *lines,
            Series("N(0, 1/3n), published", POINTS, normal, 0, published=True),
            Series("Uniform(±1/√n)", POINTS, uniform, 4, dashed=True),
        ),
        y_range=(0, 1.6),
    )


def _table(content: Content) -> Table:
    groups = [("one scalar a core", content["products"])]
    groups += [
        ("whole table, " + scale, [c for c in content["cases"] if c["scale"] == scale]) for scale in _scales(content)
    ]
    target = 1 / sqrt(3 * content["rows"])
    rows = tuple(
        (
            where,
            case["distribution"],
            f"{case['spread']['rms'] / target:.4g}",
            f"{case['spread']['kurtosis']:.3g}",
            f"{case['spread']['kl_to_normal']:.3g}",
            f"{100 * case['spread']['near_zero']:.2g} %",
        )
        for where, cases in groups
        for case in cases
    )
    titles = ("Root mean square × √3n", "Kurtosis", "D(entries ‖ N(0, 1/3n))", "Within 0.1/√n of 0")
    return Table(
        "How entries are spread",
        (Column("Entries"), Column("Distribution of cores"), *(Column(title, numeric=True) for title in titles)),
        rows,
    )


def _scales(content: Content) -> list[str]:
    return list(dict.fromkeys(case["scale"] for case in content["cases"] if case["scale"] != "uncompressed"))


def _table_one_errata(content: Content) -> tuple[Erratum, ...]:
    """Printed divergences beside those derived here, for the rows of Kaggle's largest table."""
    rows = content["table_one"] or [vars(row) for row in table_one(KAGGLE_ROWS)]
    return tuple(
        Erratum(
            f"Table 1, {row['distribution']}",
            row["printed"],
            row["erratum"],
            f"D(Uniform(±1/√n) ‖ {row['distribution']}) = {row['kl']:.4g} nats at n = {content['rows']:,}; "
            f"the least of all normal ones is {LEAST_KL:.3f}",
        )
        for row in rows
        if row["erratum"]
    )


def _scale_erratum(content: Content) -> Erratum:
    shown = ", ".join(f"{each['rms_over_target']:.4g} at rank {each['rank']}" for each in content["as_published"])
    return Erratum(
        "Algorithm 3",
        "cores scaled by a constant, whatever the rank; `/=` where only `*=` makes sense",
        "the entries' deviation grows like the rank, so the scale needs a rank term (here: `init.scale: calibrated`)",
        f"with `*=`, root mean square over the aimed-at 1/√3n: {shown}",
    )
