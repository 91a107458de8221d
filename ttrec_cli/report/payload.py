"""From analyses to the plain JSON that `ttrec pareto --json` prints; NaN becomes null."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from math import isfinite
from typing import Any

from ttrec_cli.pareto import Analysis, AssessedPoint, Comparison, Difference, Failure, Metric, TrainingEffect
from ttrec_cli.pareto.points import SCORES


def make_payload(
    analyses: Sequence[Analysis], failures: Sequence[Failure], problems: Sequence[str], report: str
) -> dict[str, Any]:
    """The newest group on top, the others below `groups`; `report` is the page's absolute path."""
    newest, *others = analyses
    return {
        **_group(newest),
        "groups": [_group(analysis) for analysis in others],
        "failures": [asdict(failure) for failure in failures],
        "problems": list(problems),
        "report": report,
    }


def comparison_payload(comparison: Comparison | None) -> dict[str, Any]:
    """Two result sets side by side under `comparison`; null where one was given."""
    if comparison is None:
        return {"comparison": None}
    return {"comparison": asdict(comparison) | {"difference": comparison.difference}}


def _group(analysis: Analysis) -> dict[str, Any]:
    group, reference, answer = analysis.group, analysis.reference, analysis.answer
    by_point = {assessed.point: _point(assessed) for assessed in analysis.points}
    return {
        "metric": str(analysis.metric),
        "sweeps": list(group.sweeps),
        "dataset": group.dataset,
        "dataset_fingerprint": group.dataset_fingerprint,
        "synthetic": group.synthetic,
        "stand_in": group.stand_in,
        "budget": _parsed(group.budget),
        "seeds": list(group.seeds),
        "points": list(by_point.values()),
        "frontier": [by_point[assessed.point] for assessed in analysis.frontier],
        "baseline": by_point[analysis.baseline] if analysis.baseline else None,
        "third_objective": str(analysis.third) if analysis.third else None,
        "shared_trials": group.shared_trials,
        "hypervolume": analysis.hypervolume,
        "hypervolume_reference": {"model_bytes": reference.model_bytes, "value": reference.value}
        if reference
        else None,
        "paired": [_effect(effect) for effect in analysis.effects],
        "answer": {
            "sentence": answer.sentence,
            "rule": answer.rule,
            "point": by_point[answer.point] if answer.point else None,
            "plan": _parsed(answer.point.plan) or None if answer.point else None,
        },
    }


def _point(assessed: AssessedPoint) -> dict[str, Any]:
    point = assessed.point
    return {
        "method": point.method,
        "rank": point.rank,
        "tables": point.tables,
        "dim": point.dim,
        "settings": _parsed(point.settings),
        "seeds": list(point.seeds),
        "left_dense": list(point.left_dense),
        "complete": assessed.complete,
        "on_frontier": assessed.on_frontier,
        "embedding_bytes": point.embedding_bytes,
        "model_bytes": point.model_bytes,
        "optimizer_bytes": point.optimizer_bytes,
        "training_bytes": point.training_bytes,
        "compression": _finite(point.compression),
        "model_compression": _finite(point.model_compression),
        **{score: _finite(point.mean(score)) for score in SCORES},
        "to_baseline": _difference(assessed.to_baseline, assessed.bootstrap),
        "frontier_probability": assessed.probability,
        "hypervolume_contribution": assessed.contribution,
    }


def _effect(effect: TrainingEffect) -> dict[str, Any]:
    """`tt` minus `tt-frozen`: one difference a metric."""
    point = effect.trained
    plan: Mapping[str, Any] = {
        "rank": point.rank,
        "tables": point.tables,
        "dim": point.dim,
        "settings": _parsed(point.settings),
        "seeds": [seed for seed in point.seeds if seed in effect.frozen.seeds],
    }
    return {**plan, **{m.validation: _difference(effect.differences.get(m)) for m in Metric}}


def _difference(difference: Difference | None, bootstrap: tuple[float, float] | None = None) -> dict[str, Any] | None:
    """Mean with its 95 % interval; `low` and `high` are null with a single seed."""
    if difference is None:
        return None
    again = {"bootstrap_low": bootstrap[0], "bootstrap_high": bootstrap[1]} if bootstrap else {}
    return {
        **again,
        "mean": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "seeds": list(difference.seeds),
    }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str) if text else {}
    except ValueError:  # not written by us: passed on as it is
        return text
