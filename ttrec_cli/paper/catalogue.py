"""The items: files of a folder such as sweeps/paper, each a sweep file or a bench plan that opens with its question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from ttrec_cli.config import LoadedSweep, load_sweep
from ttrec_cli.config.bench_plans import (
    BenchPlan,
    BenchPlans,
    HotRowsPlan,
    SizesPlan,
    is_bench_plan,
    load_bench_plans,
)
from ttrec_cli.config.data_settings import CriteoData
from ttrec_cli.config.yaml_document import read_document, read_text
from ttrec_cli.errors import ConfigError
from ttrec_cli.paper.finding import Heading

ALL = "all"
OURS = "beyond_"
"""Items that the paper lacks; `all` leaves them out."""

MODELINE = "yaml-language-server"


class Scale(StrEnum):
    """Real data and sizes, small stand-ins, or whichever is possible here; arithmetic has no scale."""

    SMALL = "small"
    FULL = "full"
    AUTO = "auto"
    EXACT = "exact"


@dataclass(frozen=True)
class Item:
    """One table or figure and how it is to be made; exactly one of `sweep` and `bench` is there."""

    heading: Heading
    scale: Scale
    sweep: LoadedSweep | None = None
    bench: BenchPlan | None = None

    @property
    def id(self) -> str:
        """The file's stem."""
        return self.heading.id


def names_of(folder: Path) -> tuple[str, ...]:
    """The ids below a folder; `ConfigError` where it holds none."""
    names = (file.stem for file in folder.glob("*.yaml"))
    found = tuple(sorted(names, key=lambda name: (name.startswith(OURS), name)))
    if not found:
        raise ConfigError(f"{folder}: holds no items (*.yaml); run this where sweeps/paper is, or name it with --items")
    return found


def chosen(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The ids that are asked for, each once and in order; `ConfigError` with near names for one that is not known."""
    found: dict[str, None] = {}
    for name in wanted:
        if name == ALL:
            found |= dict.fromkeys(each for each in known if not each.startswith(OURS))
        elif name in known:
            found[name] = None
        else:
            near = _near(name, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {ALL}, {', '.join(known)}"
            raise ConfigError(f"{name}: must be an item of the paper, but there is none of this name; {hint}")
    return tuple(name for name in known if name in found)


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Up to three ids that resemble a name or begin like it: fig5a is fig05a_…."""
    short = {each.partition("_")[0].replace("fig0", "fig"): each for each in reversed(known)}
    found = [short[each] for each in get_close_matches(name, short, n=1)]
    return list(dict.fromkeys([*found, *get_close_matches(name, [*known, ALL], n=2)]))


def load(folder: Path, name: str, scale: Scale, has_accelerator: bool) -> Item:
    """An item at a scale; `auto` takes the real data where it is there, and whole sizes on an accelerator.

    Raises `ConfigError` for mistakes in the file, and where `full` lacks its data.
    """
    path = folder / f"{name}.yaml"
    document = read_document(path)
    if is_bench_plan(document):
        plans = load_bench_plans(path)
        scale = _scale_of(plans, scale, has_accelerator)
        plan = plans.small if scale == Scale.SMALL else plans.full
        return Item(_heading(path, plan.title), scale, bench=plan)
    loaded = _loaded(path, scale)
    return Item(_heading(path, loaded.config.title), Scale.SMALL if loaded.stand_in else Scale.FULL, sweep=loaded)


def at_other_scale(folder: Path, item: Item) -> Item | None:
    """The item full if it is small, and small if it is full; None where there is no such, or not with the data here."""
    other = {Scale.SMALL: Scale.FULL, Scale.FULL: Scale.SMALL}.get(item.scale)
    try:
        found = load(folder, item.id, other, has_accelerator=False) if other else None
    except ConfigError:
        return None
    return found if found and found.scale == other else None


def _scale_of(plans: BenchPlans, scale: Scale, has_accelerator: bool) -> Scale:
    if isinstance(plans.full, SizesPlan):
        return Scale.EXACT
    is_full = plans.full == plans.small or _is_full(plans.full, scale, has_accelerator)
    return Scale.FULL if is_full else Scale.SMALL


def _is_full(plan: BenchPlan, scale: Scale, has_accelerator: bool) -> bool:
    if isinstance(plan, HotRowsPlan) and isinstance(plan.data, CriteoData):
        if scale == Scale.FULL and not plan.data.is_there:
            raise ConfigError(f"--scale full: no prepared dataset at {plan.data.path}; see `ttrec data prepare --help`")
        return scale != Scale.SMALL and plan.data.is_there
    return scale == Scale.FULL or (scale == Scale.AUTO and has_accelerator)


def _loaded(path: Path, scale: Scale) -> LoadedSweep:
    """The sweep at a scale: `small` looks away from data that is there, `full` insists on it."""
    if scale == Scale.SMALL:
        # An empty folder's name: no file in it can be there.
        real = load_sweep(path, (f"data.path={path}/absent",)) if _has_stand_in(path) else load_sweep(path)
        return replace(real, missing_data="the real data") if real.stand_in else real
    loaded = load_sweep(path)
    if scale == Scale.FULL and loaded.stand_in:
        raise ConfigError(
            f"--scale full: no prepared dataset at {loaded.missing_data}; see `ttrec data prepare --help`"
        )
    return loaded


def _has_stand_in(path: Path) -> bool:
    return "otherwise" in read_document(path).values


def _heading(path: Path, title: str) -> Heading:
    """The comment that a file opens with: its question, then what else it says."""
    lines = []
    for line in read_text(path).splitlines():
        if not line.startswith("#"):
            break
        if MODELINE not in line:
            lines.append(line.lstrip("# ").strip())
    question, mark, about = " ".join(lines).partition("?")
    if not mark:
        raise ConfigError(f"{path}:1:1: an item opens with a comment that asks its question, but none ends with '?'")
    return Heading(path.stem, title.removesuffix(" (synthetic stand-in)") or path.stem, question + "?", about.strip())
