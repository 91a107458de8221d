"""Bench plans carried out: from a plan to plain values, by the library behind `ttrec bench`, `factorize` and `data`."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

from ttrec_cli.config.bench_plans import BenchPlan, CachePlan, DensityPlan, HotRowsPlan, LookupPlan, SizesPlan, StepPlan
from ttrec_cli.config.data_settings import CriteoData
from ttrec_cli.planning import ShapeSettings
from ttrec_cli.planning.model_plan import plan_tables
from ttrec_cli.planning.table_list import ModelTable, named_tables
from ttrec_cli.store.provenance import provenance
from ttrec_kernels.table_plan import TablePlan

LAYERS = 7

OnShare = Callable[[float], None]
"""Told the share of the whole that is done."""

Content = dict[str, Any]


def measure_plan(plan: BenchPlan, device: str, on_share: OnShare) -> tuple[Content, Content]:
    """What a plan asks for, and the machine's facts. Raises `ConfigError` or `DataError`."""
    if isinstance(plan, SizesPlan):
        return _sizes(plan), provenance_of(None)
    if isinstance(plan, DensityPlan):
        return _densities(plan, on_share), provenance_of(None)
    if isinstance(plan, HotRowsPlan):
        return _hot_rows(plan, on_share), provenance_of(None)
    if isinstance(plan, LookupPlan):
        return _lookups(plan, device, on_share), provenance_of(device)
    if isinstance(plan, CachePlan):
        return _cache(plan, device, on_share), provenance_of(device)
    return _steps(plan, device, on_share), provenance_of(device)


def provenance_of(device: str | None) -> Content:
    """Versions, commit and machine; with the device and its threads where times were measured."""
    if device is None:
        return dict(provenance())
    from ttrec_cli.bench.machine import choose_device, machine_facts

    return machine_facts(choose_device(device))


def _sizes(plan: SizesPlan) -> Content:
    found = []
    for model in plan.models:
        tables = named_tables(model.tables)
        names, rows = [table.name for table in tables], [table.rows for table in tables]
        settings = ShapeSettings(rule="entropy", dim_factors=model.dim_factors)
        for largest in plan.largest:
            for rank in plan.ranks:
                plans = plan_tables(names, rows, model.dim, rank, largest, shape=settings)
                found.append(
                    {
                        "tables": model.tables,
                        "largest": largest,
                        "rank": rank,
                        "bytes": sum(each.bytes() for each in plans),
                        "dense_bytes": sum(count * model.dim * 4 for count in rows),
                        "layers": _layers(plans),
                        "compressed": [
                            {
                                "name": each.name,
                                "rows": each.rows,
                                "row_factors": list(each.shape.row_factors),
                                "parameters": each.parameters,
                                "dense_parameters": each.rows * each.dim,
                            }
                            for each in sorted(plans, key=lambda each: -each.rows)
                            if each.shape is not None
                        ],
                    }
                )
    return {"models": found}


def _layers(plans: Sequence[TablePlan]) -> list[Content]:
    """Bytes of the largest tables, largest first, and of the others together; uncompressed beside."""
    ordered = sorted(plans, key=lambda each: -each.rows)
    groups = [(each.name, [each]) for each in ordered[:LAYERS]]
    groups.append((f"{len(ordered) - LAYERS} other tables", ordered[LAYERS:]))
    return [
        {
            "name": name,
            "bytes": sum(each.bytes() for each in group),
            "dense_bytes": sum(each.rows * each.dim * 4 for each in group),
        }
        for name, group in groups
    ]


def _densities(plan: DensityPlan, on_share: OnShare) -> Content:
    from ttrec_cli.bench.divergence import table_one
    from ttrec_cli.bench.initial_values import init_cases, initial_entries, scalar_products
    from ttrec_kernels.choices import Distribution, InitScale

    settings = ShapeSettings(rule="entropy", dim_factors=plan.dim_factors)
    shapes = [settings.shape(plan.rows, plan.dim, rank) for rank in plan.ranks]
    parts = len(Distribution) * len(InitScale) + len(shapes)
    cases = init_cases(shapes[-1], plan.seed, lambda _: on_share(1 / parts))
    published = []
    for rank, shape in zip(plan.ranks, shapes, strict=True):
        entries = initial_entries(shape, Distribution.SAMPLED_GAUSSIAN, InitScale.PAPER, plan.seed)
        published.append({"rank": rank, "rms_over_target": float((entries**2).mean() ** 0.5 * (3 * plan.rows) ** 0.5)})
        on_share(1 / parts)
    return {
        "rows": plan.rows,
        "rank": plan.ranks[-1],
        "cases": [asdict(case) for case in cases],
        "products": [asdict(case) for case in scalar_products(shapes[-1], plan.seed)],
        "as_published": published,
        "table_one": [asdict(row) for row in table_one(plan.rows)],
    }


def _hot_rows(plan: HotRowsPlan, on_share: OnShare) -> Content:
    from ttrec_cli.data import open_click_log, settling

    found = []
    for drift in plan.drifts:
        with _log_folder(plan, drift) as folder:
            log = open_click_log(folder)
            columns = [asdict(column) for column in settling(log)]
        found.append({"drift": drift, "synthetic": log.synthetic, "dataset": log.name, "columns": columns})
        on_share(1 / len(plan.drifts))
    return {"logs": found, "synthetic": any(log["synthetic"] for log in found)}


@contextmanager
def _log_folder(plan: HotRowsPlan, drift: float) -> Iterator[Path]:
    """The prepared data, or a synthetic log made for the moment."""
    if isinstance(plan.data, CriteoData):
        yield plan.data.path
        return
    from ttrec_cli.data import SyntheticSpec, synthesize

    data = plan.data
    spec = SyntheticSpec(like=data.like, rows=data.rows, table_scale=data.table_scale, seed=data.seed, drift=drift)
    with tempfile.TemporaryDirectory(prefix="ttrec-paper-") as folder:
        path = Path(folder) / "log"
        synthesize(spec, path, lambda _: None)
        yield path


def _lookups(plan: LookupPlan, device: str, on_share: OnShare) -> Content:
    from ttrec_cli.bench.indices import IndexLaw
    from ttrec_cli.bench.lookup import LookupSetting, lookup_cases
    from ttrec_cli.bench.machine import choose_device
    from ttrec_cli.bench.record import measure

    place, settings = choose_device(device), ShapeSettings(rule="entropy", dim_factors=plan.dim_factors)
    parts, found = list(product(plan.rows, plan.pooling)), list[Mapping[str, Any]]()
    for rows, pooling in parts:  # not all at once: each holds an uncompressed table
        cases = []
        for rank in plan.ranks:
            shape = settings.shape(rows, plan.dim, rank)
            setting = LookupSetting(shape, plan.batch, pooling, IndexLaw(rows, plan.zipf), place, plan.seed)
            # An uncompressed table has no rank: it is timed beside the first one.
            names = [name for name in plan.cases if rank == plan.ranks[0] or name != "embedding-bag"]
            labels = {"rows": rows, "pooling": pooling, "batch": plan.batch}
            cases += [
                replace(case, labels=labels | {"rank": None if case.name == "embedding-bag" else rank})
                for case in lookup_cases(setting, names)
                if case.phase in plan.phases
            ]
        found += measure(cases, plan.seconds, place, {}, lambda share: on_share(share / len(parts))).cases
    return {"cases": [dict(case) for case in found]}


def _cache(plan: CachePlan, device: str, on_share: OnShare) -> Content:
    from ttrec_cli.bench.cache import CacheSetting, cache_cases
    from ttrec_cli.bench.machine import choose_device
    from ttrec_cli.bench.record import measure

    place, settings = choose_device(device), ShapeSettings(rule="entropy", dim_factors=plan.dim_factors)
    shape = settings.shape(plan.rows, plan.dim, plan.rank)
    setting = CacheSetting(
        shape, plan.batch, plan.pooling, plan.rows_fraction, place, tuple(sorted(plan.hit_rates)), plan.seed
    )
    result = measure(cache_cases(setting), plan.seconds, place, {}, on_share)
    facts = {"rows": plan.rows, "rank": plan.rank, "cached_rows": setting.cached, "batch": plan.batch}
    return {"cases": [dict(case) for case in result.cases], "pooling": plan.pooling, **facts}


def _steps(plan: StepPlan, device: str, on_share: OnShare) -> Content:
    from ttrec_cli.bench.machine import choose_device
    from ttrec_cli.bench.step import StepSetting, time_steps
    from ttrec_cli.config import ModelConfig

    found: list[Content] = []
    for model in plan.models:
        setting = StepSetting(
            _scaled(named_tables(model.tables), model.table_scale),
            choose_device(device),
            model.dim,
            plan.ranks,
            (0, *plan.largest),
            (model.batch,),
            plan.zipf,
            plan.seed,
            ("dense", "tt"),
            ModelConfig(bottom_mlp=model.bottom_mlp, top_mlp=model.top_mlp),
        )
        result = time_steps(setting, plan.seconds, lambda share: on_share(share / len(plan.models)))
        found += [{**case, "tables": model.tables} for case in result.cases]
    return {"cases": found}


def _scaled(tables: Sequence[ModelTable], scale: float) -> tuple[ModelTable, ...]:
    return tuple(ModelTable(table.name, max(1, round(table.rows * scale))) for table in tables)


def records_of(content: Mapping[str, Any], **wanted: Any) -> Sequence[Mapping[str, Any]]:
    """The cases of a measurement that have these labels."""
    return [case for case in content["cases"] if all(case.get(name) == value for name, value in wanted.items())]
