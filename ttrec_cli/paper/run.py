"""Items run or resumed, and what is there of them read back."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ttrec_cli.errors import DataError
from ttrec_cli.paper.catalogue import Item
from ttrec_cli.paper.finding import Report
from ttrec_cli.paper.findings.every import OF_BENCH, finding_of_study
from ttrec_cli.paper.measure import OnShare, measure_plan
from ttrec_cli.paper.records import Record, form_of, key_of, read_record, write_record
from ttrec_cli.paper.training import Study, prepare_study, study_of
from ttrec_cli.store.provenance import now
from ttrec_cli.sweep.run import Summary, Sweep

NOT_RUN = "not run yet"
OTHER_FORM = "measured by another version or plan, whose record cannot be read; run it again"
MACHINE = ("ttrec_version", "git_commit", "torch_version", "cpu", "gpu", "device", "threads", "host")
STAND_IN = (
    "SYNTHETIC STAND-IN: made-up clicks, because the real data is absent or was not asked for. Levels say nothing "
    "about real recommendations; trends and their intervals are of this data."
)


@dataclass(frozen=True)
class Means:
    """How things are done and shown: `train` runs a sweep with its live view, `progress` opens a bar for a bench."""

    train: Callable[[Sweep], Summary]
    progress: Callable[[str], AbstractContextManager[OnShare]]
    say: Callable[[str], None]
    device: str = "auto"


def run_item(item: Item, out: Path, means: Means) -> int:
    """Run an item or go on with it; what is done is not done again. How many of its trials failed."""
    if item.sweep is not None:
        sweep = prepare_study(item.sweep, out)
        for problem in sweep.problems:
            means.say(problem)
        if not sweep.pending():
            means.say(f"{item.id}: done before")
            return sum(sweep.state(trial) not in ("ok", "stopped") for trial in sweep.trials)
        return means.train(sweep).failed
    _measure(item, out, means)
    return 0


def _measure(item: Item, out: Path, means: Means) -> None:
    plan = item.bench
    if plan is None:
        return
    key, before = key_of(plan), None
    try:
        before = read_record(out, item.id, item.scale)
    except DataError as error:
        means.say(f"{error}, as is done now")
    if before is not None and before.key == key:
        means.say(f"{item.id}: done before")
        return
    started_at, started = now(), time.monotonic()
    with means.progress(item.id) as on_share:
        content, machine = measure_plan(plan, means.device, on_share)
    record = Record(key, form_of(plan), content, machine, started_at, time.monotonic() - started)
    write_record(out, item.id, item.scale, record)


def report_of(item: Item, out: Path) -> Report:
    """What is there of an item, run or not."""
    if item.sweep is not None:
        return _study_report(item, study_of(prepare_study(item.sweep, out)))
    try:
        record = read_record(out, item.id, item.scale)
    except DataError as error:
        return Report(item.heading, item.scale.value, str(error))
    find = OF_BENCH.get(item.id)
    if record is None or find is None or item.bench is None:
        return Report(item.heading, item.scale.value, NOT_RUN)
    if record.form != form_of(item.bench):
        return Report(item.heading, item.scale.value, OTHER_FORM)
    stale = "" if record.key == key_of(item.bench) else "; the code has changed since, run it again"
    synthetic = bool(record.content.get("synthetic"))
    return Report(
        item.heading,
        item.scale.value,
        f"done{stale}",
        find(record.content),
        STAND_IN if synthetic else "",
        (
            *_facts(record),
            ("Measured", f"{record.started_at}, {record.seconds:.0f} s"),
        ),
    )


def report_of_either(item: Item, other: Item | None, out: Path) -> Report:
    """What is there of an item, or of the same at the other scale where only that one has been run."""
    report = report_of(item, out)
    if other is None or report.state != NOT_RUN:
        return report
    found = report_of(other, out)
    return report if found.state == NOT_RUN else found


def _facts(record: Record) -> list[tuple[str, str]]:
    return [(name, str(record.machine[name])) for name in MACHINE if record.machine.get(name) is not None]


def _study_report(item: Item, study: Study) -> Report:
    finding = finding_of_study(item.id, study)
    failed = f", {study.failed} failed" if study.failed else ""
    state = f"{study.finished} of {study.total} trials finished{failed}"
    if study.finished + study.failed == 0:
        state = NOT_RUN
    elif study.is_settled and not study.failed:
        state = "done"
    elif not study.is_settled:
        state += "; the same command goes on"
    warning = STAND_IN if study.synthetic and state != NOT_RUN else ""
    seeds = ", ".join(map(str, study.seeds))
    facts = (("Seeds", seeds), ("Trials", str(study.finished)), *study.provenance) if study.finished else ()
    return Report(item.heading, item.scale.value, state, finding, warning, facts)


def in_order(items: list[Item]) -> list[Item]:
    """What takes seconds first, then what trains for minutes."""
    return sorted(items, key=lambda item: (item.sweep is not None, item.id))
