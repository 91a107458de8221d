"""What a person sees of `ttrec factorize`: a table of candidates and a sentence on the recommended one."""

from rich import box
from rich.console import RenderableType
from rich.table import Table

from ttrec_cli.commands.factorize_words import factors_text, rank_text, short, size_text
from ttrec_cli.planning import Candidates, ShapeSettings, excess_over_bound
from ttrec_kernels.shapes import TTShape, format_factors

RECOMMENDED, FLAGGED = "▸", "!"
HEADINGS = ("para-\nmeters", "\nsize", "times\nsmaller", "FLOPs a\nlookup", "pad-\nding", "above\nbound")


def show_candidates(candidates: Candidates, item_bytes: int = 4) -> tuple[RenderableType, ...]:
    """The table, a sentence, and a line for each flagged rank; three cores fit 80 columns unfolded."""
    flags = [f"{FLAGGED} {line}" for shape in candidates.shapes if (line := _flags(shape))]
    return (_table(candidates, item_bytes), _sentence(candidates.recommended, item_bytes), *flags)


def _table(candidates: Candidates, item_bytes: int) -> Table:
    first = candidates.shapes[0]
    title = f"{first.rows:,} rows × {first.dim}: {size_text(item_bytes * first.dense_parameters)} uncompressed"
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
        table.add_row(*_cells(shape, chosen, item_bytes), style="bold green" if chosen else None)
    return table


def _cells(shape: TTShape, chosen: bool, item_bytes: int) -> tuple[str, ...]:
    marks = [mark for mark, is_set in ((RECOMMENDED, chosen), (FLAGGED, bool(_flags(shape)))) if is_set]
    return (
        " ".join([*marks, rank_text(shape)]),
        factors_text(shape),
        f"{shape.parameters:,}",
        size_text(shape.bytes(item_bytes)),
        f"{short(shape.compression)}×" if shape.compression >= 0.01 else "<0.01×",
        f"{shape.flops_per_lookup:,}",
        f"{short(100 * shape.padding_fraction)} %",
        f"{short(100 * excess_over_bound(shape))} %",
    )


def _sentence(shape: TTShape, item_bytes: int) -> str:
    """The recommended shape in words: sizes only, because nothing was trained."""
    factor = shape.compression
    size = f"{short(factor)}× smaller" if factor >= 1 else f"{short(1 / factor)}× larger"
    return (
        f"{RECOMMENDED} Rank {rank_text(shape)} with {factors_text(shape)} takes "
        f"{size_text(shape.bytes(item_bytes))} instead of {size_text(item_bytes * shape.dense_parameters)}: "
        f"{size}{_comparison(shape)}; how accurate it is, only training can say."
    )


def _comparison(shape: TTShape) -> str:
    """Against the paper's shape of the same ranks, or against the smallest where that is no larger."""
    inner = shape.ranks[1:-1]
    paper = ShapeSettings(rule="entropy", cores=shape.cores).shape(shape.rows, shape.dim, inner)
    if paper.parameters > shape.parameters:
        return f", and {short(paper.parameters / shape.parameters)}× smaller at equal rank than the paper's shape"
    smallest = ShapeSettings(cores=shape.cores).shape(shape.rows, shape.dim, inner)
    if smallest.parameters < shape.parameters:
        ratio = short(shape.parameters / smallest.parameters)
        return f", while {factors_text(smallest)} is {ratio}× smaller at equal rank"
    return ""


def _flags(shape: TTShape) -> str:
    """Why this rank does not make sense for the table; empty when it does."""
    reasons = []
    if shape.larger_than_dense:
        reasons.append(f"larger than dense, {shape.parameters:,} parameters instead of {shape.dense_parameters:,}")
    if shape.useless_rank:
        most = format_factors(shape.max_useful_ranks[1:-1])
        reasons.append(f"useless rank, this shape can use at most {most}")
    return f"Rank {rank_text(shape)}: {'; '.join(reasons)}." if reasons else ""
