"""What a benchmark found, as columns for JSON and Parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ttrec_cli.bench.machine import Ceilings, ceiling_cases, ceilings_of, machine_facts, workspace_bytes
from ttrec_cli.bench.timing import Case, Timing, take_turns


@dataclass(frozen=True)
class BenchResult:
    """Records of all cases in the order given, the ceilings of the same run, and what was asked."""

    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    ceilings: Ceilings
    cases: tuple[Mapping[str, Any], ...]

    def payload(self) -> dict[str, Any]:
        """The result for `--json`."""
        return {
            **self.settings,
            "cases": [dict(case) for case in self.cases],
            "ceilings": asdict(self.ceilings),
            "machine": dict(self.machine),
        }

    def write_parquet(self, path: Path) -> None:
        """One row a case, with settings, ceilings and machine in every row; whole or not at all."""
        import pyarrow as pa

        from ttrec_cli.store.files import write_table

        ceilings = {f"ceiling_{name}": value for name, value in asdict(self.ceilings).items()}
        rows = [{**case, **self.settings, **ceilings, **self.machine} for case in self.cases]
        write_table(pa.Table.from_pylist(rows), path)


def measure(
    cases: Sequence[Case], seconds: float, device: torch.device, settings: Mapping[str, Any], on_turn: Any
) -> BenchResult:
    """Time all cases and the machine's ceilings in turns, then measure each case's memory."""
    timings = take_turns([*cases, *ceiling_cases(device)], seconds, device, on_turn)
    ceilings = ceilings_of(timings)
    records = [_record(timing, ceilings, workspace_bytes(timing.case, device)) for timing in timings[: len(cases)]]
    return BenchResult(settings, machine_facts(device), ceilings, tuple(records))


def _record(timing: Timing, ceilings: Ceilings, workspace: int) -> dict[str, Any]:
    """Shares are of what the ceilings allow: 1 when arithmetic (or memory) alone would take as long."""
    case, median = timing.case, timing.median_ms
    gflops, gigabytes = case.work.flops / median / 1e6, case.work.bytes / median / 1e6
    return {
        "name": case.name,
        "phase": case.phase,
        **case.labels,
        "median_ms": median,
        "p20_ms": timing.percentile(20),
        "p80_ms": timing.percentile(80),
        "p99_ms": timing.percentile(99),
        "samples": len(timing.milliseconds),
        "flops": case.work.flops,
        "bytes": case.work.bytes,
        "gflops": gflops,
        "gigabytes_per_second": gigabytes,
        "compute_share": gflops / ceilings.gflops,
        "memory_share": gigabytes / ceilings.gigabytes_per_second,
        "weight_bytes": case.weight_bytes,
        "workspace_bytes": workspace,
        "peak_bytes": case.weight_bytes + workspace,
    }
