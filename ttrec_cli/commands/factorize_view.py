"""What a person sees of `ttrec factorize`: a table of candidates and a sentence on the recommended one."""

from rich import box
from rich.console import RenderableType
from rich.table import Table

from ttrec_cli.planning import Candidates, ShapeSettings, excess_over_bound
from ttrec_kernels.shapes import TTShape, format_factors

RECOMMENDED, FLAGGED = "▸", "!"
HEADINGS = ("para-\nmeters", "\nsize", "times\nsmaller", "FLOPs a\nlookup", "pad-\nding", "above\nbound")


def show_candidates(candidates: Candidates) -> tuple[RenderableType, ...]:
    """The table, a sentence, and a line for each flagged rank; three cores fit 80 columns unfolded."""
    flags = [f"{FLAGGED} {line}" for shape in candidates.shapes if (line := _flags(shape))]
    return (_table(candidates), _sentence(candidates.recommended), *flags)


def _table(candidates: Candidates) -> Table:
    first = candidates.shapes[0]
    title = f"{first.rows:,} rows × {first.dim}: {_bytes(4 * first.dense_parameters)} uncompressed"
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("\nrank", justify="right", no_wrap=True)
    widest = max(len(f"{format_factors(shape.row_factors)} ×") for shape in candidates.shapes)
    table.add_column("row factors ×\ndim factors", min_width=widest)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for shape in candidates.shapes:
        chosen = shape is candidates.recommended
        table.add_row(*_cells(shape, chosen), style="bold green" if chosen else None)
    return table


def _cells(shape: TTShape, chosen: bool) -> tuple[str, ...]:
    marks = [mark for mark, is_set in ((RECOMMENDED, chosen), (FLAGGED, bool(_flags(shape)))) if is_set]
    return (
        " ".join([*marks, _rank(shape)]),
        _factors(shape),
        f"{shape.parameters:,}",
        _bytes(shape.bytes()),
        f"{_short(shape.compression)}×" if shape.compression >= 0.01 else "<0.01×",
        f"{shape.flops_per_lookup:,}",
        f"{_short(100 * shape.padding_fraction)} %",
        f"{_short(100 * excess_over_bound(shape))} %",
    )


def _sentence(shape: TTShape) -> str:
    """The recommended shape in words: sizes only, because nothing was trained."""
    factor = shape.compression
    size = f"{_short(factor)}× smaller" if factor >= 1 else f"{_short(1 / factor)}× larger"
    return (
        f"{RECOMMENDED} Rank {_rank(shape)} with {_factors(shape)} takes {_bytes(shape.bytes())} instead of "
        f"{_bytes(4 * shape.dense_parameters)}: {size}{_comparison(shape)}; how accurate it is, only training can say."
    )


def _comparison(shape: TTShape) -> str:
    """Against the paper's shape of the same ranks, or against the smallest where that is no larger."""
    inner = shape.ranks[1:-1]
    paper = ShapeSettings(rule="entropy", cores=shape.cores).shape(shape.rows, shape.dim, inner)
    if paper.parameters > shape.parameters:
        return f", and {_short(paper.parameters / shape.parameters)}× smaller at equal rank than the paper's shape"
    smallest = ShapeSettings(cores=shape.cores).shape(shape.rows, shape.dim, inner)
    if smallest.parameters < shape.parameters:
        ratio = _short(shape.parameters / smallest.parameters)
        return f", while {_factors(smallest)} is {ratio}× smaller at equal rank"
    return ""


def _flags(shape: TTShape) -> str:
    """Why this rank does not make sense for the table; empty when it does."""
    reasons = []
    if shape.larger_than_dense:
        reasons.append(f"larger than dense, {shape.parameters:,} parameters instead of {shape.dense_parameters:,}")
    if shape.useless_rank:
        most = format_factors(shape.max_useful_ranks[1:-1])
        reasons.append(f"useless rank, this shape can use at most {most}")
    return f"Rank {_rank(shape)}: {'; '.join(reasons)}." if reasons else ""


def _factors(shape: TTShape) -> str:
    return f"{format_factors(shape.row_factors)} × {format_factors(shape.dim_factors)}"


def _rank(shape: TTShape) -> str:
    inner = shape.ranks[1:-1]
    return str(inner[0]) if len(set(inner)) == 1 else format_factors(inner)


def _bytes(count: float) -> str:
    """Three figures with a decimal unit; MB = 10^6 bytes."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{_short(count / size)} {unit}"
    return f"{count:.0f} B"


def _short(value: float) -> str:
    """About three figures, and every digit before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
