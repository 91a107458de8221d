"""From analyses of result rows to the record of the page."""

from collections.abc import Sequence

from ttrec_cli.pareto import Analysis, Failure, Group
from ttrec_cli.pareto.sentence import sameness_sentence, training_sentence, unfinished_sentence
from ttrec_cli.pareto.settings import flat_settings, split_settings
from ttrec_cli.pareto.wording import format_bytes, format_value
from ttrec_cli.report.chosen import chosen_points
from ttrec_cli.report.curves import CurveReader, curves_chart
from ttrec_cli.report.data import make_data
from ttrec_cli.report.picture import make_picture
from ttrec_cli.report.rank_lines import quality_charts, time_charts
from ttrec_cli.report.record import Chart, Page, Picture, Section
from ttrec_cli.report.stacks import stacks_chart
from ttrec_cli.report.tables import effects_table, failures_table, points_table


def build_page(
    analyses: Sequence[Analysis],
    failures: Sequence[Failure],
    problems: Sequence[str],
    *,
    read_curve: CurveReader | None = None,
    comparison: str = "",
    names: Sequence[str] = (),
) -> Page:
    """The record of the page: a section for each analysed group, in the order given (at least one).

    `read_curve` finds the learning curves of the chosen models; `comparison` is a sentence about two result sets.
    `names` say where each analysis is from, if that needs saying.
    """
    newest = analyses[0].group
    kind = _kind_of_data(newest)
    title = f"Memory–{analyses[0].metric.label} frontier: {', '.join(newest.sweeps)}"
    return Page(
        title=f"{title} — {kind}" if kind else title,
        sections=tuple(
            _section(analysis, read_curve, name)
            for analysis, name in zip(analyses, names or [""] * len(analyses), strict=True)
        ),
        failures=failures_table(failures),
        problems=tuple(problems),
        comparison=comparison,
    )


def _kind_of_data(group: Group) -> str:
    if group.stand_in:
        return "SYNTHETIC STAND-IN DATA"
    return "SYNTHETIC DATA" if group.synthetic else ""


def _section(analysis: Analysis, read_curve: CurveReader | None, name: str) -> Section:
    group = analysis.group
    effects = effects_table(analysis)
    picture = make_picture(analysis)
    origin = f"{name}: " if name else ""
    return Section(
        heading=f"{origin}{', '.join(group.sweeps)} on {group.dataset}, {_seeds(group)}",
        warning=_warning(group),
        answer=analysis.answer.sentence,
        rule=_rule(analysis),
        notes=_notes(analysis, picture),
        picture=picture,
        tables=(points_table(analysis), *((effects,) if effects else ())),
        provenance=_provenance(group),
        data=make_data(analysis),
        charts=_charts(analysis, read_curve),
    )


def _rule(analysis: Analysis) -> str:
    """What stands right below the answer: how it was chosen, and that accuracy may tell nothing apart."""
    chosen = f"Chosen as {analysis.answer.rule}." if analysis.answer.point else ""
    return " ".join(filter(None, (sameness_sentence(analysis.group, analysis.metric), chosen)))


def _seeds(group: Group) -> str:
    return f"{'seeds' if len(group.seeds) > 1 else 'seed'} {', '.join(map(str, group.seeds))}"


def _charts(analysis: Analysis, read_curve: CurveReader | None) -> tuple[Chart, ...]:
    """The smaller figures, those that the results allow."""
    stacks = stacks_chart(chosen_points(analysis))
    curves = curves_chart(analysis, read_curve) if read_curve else None
    return (
        *((stacks,) if stacks else ()),
        *quality_charts(analysis),
        *time_charts(analysis),
        *((curves,) if curves else ()),
    )


def _warning(group: Group) -> str:
    if group.stand_in:
        return (
            f"Synthetic stand-in. The real data set was absent, so these models were trained on made-up clicks "
            f"({group.dataset}): good for trying the tool, no evidence about real recommendations."
        )
    if group.synthetic:
        return (
            f"Synthetic data. These models were trained on made-up clicks ({group.dataset}): "
            "no evidence about real recommendations."
        )
    return ""


def _notes(analysis: Analysis, picture: Picture) -> tuple[str, ...]:
    group, metric = analysis.group, analysis.metric
    notes = []
    trained = training_sentence(analysis.effects, metric)
    if trained:
        notes.append(trained)
    if len(group.seeds) == 1:
        notes.append("Single seed: no error bars.")
    else:
        bars = ", bars reach from the lowest seed to the highest" if picture.has_bars else ""
        notes.append(
            f"Marks are means over {len(group.seeds)} seeds{bars}. "
            "Intervals in the table are of paired differences on the same seeds (95 %, Student's t). The chance to be "
            "on the frontier is the share of draws of the true means that put a point there: each mean is pulled "
            "towards what models of similar size reach, by as much as the seeds disagree. Where accuracy jumps between "
            "models of similar size and seeds differ by as much, chances are too sure."
        )
    if picture.hidden:
        notes.append(f"{picture.hidden:,} marks lie under others and are not drawn; the table has all points.")
    if analysis.third is not None:
        notes.append(
            f"The frontier weighs a third objective, {analysis.third.label}: points on it may be larger and worse "
            "than others, but are faster. The line joins the best by size."
        )
    if group.shared_trials:
        trials = "1 trial" if group.shared_trials == 1 else f"{group.shared_trials} trials"
        notes.append(f"{trials} ran while another one ran on the same machine: times here are not comparable.")
    unfinished = unfinished_sentence(group)
    if unfinished:
        notes.append(unfinished)
    if analysis.reference is not None:
        notes.append(
            f"Hypervolume {analysis.hypervolume:.4g} (decades of bytes × {metric.label}), measured from "
            f"{format_bytes(analysis.reference.model_bytes)} and {format_value(analysis.reference.value, metric)}."
        )
    return tuple(notes)


def _provenance(group: Group) -> tuple[tuple[str, str], ...]:
    shared, _ = split_settings(group.points)
    budget = ", ".join(f"{name} {value}" for name, value in flat_settings(group.budget).items())
    titles = {
        "ttrec_version": "ttrec",
        "git_commit": "Commit",
        "torch_version": "PyTorch",
        "cupy_version": "CuPy",
        "numpy_version": "NumPy",
        "python_version": "Python",
        "command_line": "Command line",
        "cpu": "CPU",
        "gpu": "GPU",
    }
    facts = [("Data", f"{group.dataset} (fingerprint {group.dataset_fingerprint})"), ("Budget", budget)]
    facts.append(("Settings of all points", ", ".join(f"{name} {value}" for name, value in shared.items())))
    facts += [(titles.get(name, name.capitalize()), "; ".join(values)) for name, values in group.provenance.items()]
    facts.append(("Trained", f"{group.started_at} to {group.ended_at}"))
    return tuple((name, value) for name, value in facts if value)
