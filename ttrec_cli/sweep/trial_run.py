"""Train one trial in this process: build the model from its plan, train, evaluate, measure."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ttrec_cli.config import Method, Optimizer, TrainConfig
from ttrec_cli.data import ClickLog
from ttrec_cli.data.tensor_batches import batches_on
from ttrec_cli.dlrm.model import DLRM
from ttrec_cli.dlrm.training import CurvePoint, Schedule, train
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.int8 import int8_point
from ttrec_cli.sweep.messages import Outcome
from ttrec_kernels import EmbeddingTables


def run_trial(trial: Trial, log: ClickLog, device: torch.device, on_step: Callable[[int, float], None]) -> Outcome:
    """Train and evaluate; raises `DivergedError` or whatever the training raises."""
    reset_peak(device)
    base_bytes = 0 if device.type == "cuda" else _resident_bytes("VmRSS")
    model = build_model(trial, device, dense_features=log.dense.shape[1])
    tt_parameters = embedding_of(model).tt_parameters()
    initial = [core.detach().clone() for core in tt_parameters]
    config = trial.config.train
    schedule = Schedule(trial.train_samples, config.batch_size, config.test_batch_size, config.evaluations)
    batches = batches_on(log, device)
    curve = train(model, build_optimizers(model, config), batches, schedule, on_step)
    if any(plan.int8 for plan in trial.plans):
        curve = [int8_point(model, batches, schedule, curve[-1])]
    columns = measured_columns(curve) | {
        "tt_core_change": relative_change(initial, tt_parameters),
        "peak_training_bytes": max(0, _peak_bytes(device) - base_bytes),
    }
    return Outcome("ok", columns=columns, curve=tuple(curve_row(point) for point in curve))


def build_model(trial: Trial, device: torch.device, dense_features: int = 13) -> DLRM:
    """The DLRM of a trial on its device; TT cores of `tt-frozen` take no gradient."""
    config = trial.config
    embedding = EmbeddingTables(
        trial.plans,
        distribution=config.init.distribution.value,
        scale=config.init.scale.value,
        seed=config.seed,
    )
    if config.method == Method.TT_FROZEN:
        for core in embedding.tt_parameters():
            core.requires_grad_(False)
    model = DLRM(
        embedding,
        tables=len(trial.plans),
        dim=config.dim,
        bottom_widths=config.model.bottom_mlp,
        top_widths=config.model.top_mlp,
        seed=config.seed,
        dense_features=dense_features,
    )
    return model.to(device)


def embedding_of(model: DLRM) -> EmbeddingTables:
    """The embedding a trial's model was given."""
    embedding = model.embedding
    if not isinstance(embedding, EmbeddingTables):
        raise TypeError(f"a trial's embedding is EmbeddingTables, but this is {type(embedding).__name__}")
    return embedding


def build_optimizers(model: DLRM, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """One optimiser for the MLPs, one for dense tables (sparse gradients), one for TT cores, one for their rivals."""
    make = torch.optim.Adagrad if config.optimizer == Optimizer.ADAGRAD else torch.optim.SGD
    # Sparse Adagrad warns unless the choice is made: its gradients come from torch's own embedding, so they hold.
    torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
    embedding_rate = config.embedding_learning_rate or config.learning_rate
    embedding = embedding_of(model)
    groups = (
        ([*model.bottom_mlp.parameters(), *model.top_mlp.parameters()], config.learning_rate),
        (embedding.dense_parameters(), embedding_rate),
        (embedding.tt_parameters(), embedding_rate),
        (embedding.rival_parameters(), embedding_rate),
    )
    trainable = (([p for p in parameters if p.requires_grad], rate) for parameters, rate in groups)
    return [make(parameters, lr=rate) for parameters, rate in trainable if parameters]


def relative_change(before: Sequence[Tensor], after: Sequence[Tensor]) -> float | None:
    """‖after − before‖ / ‖before‖ over all cores; none without TT tables."""
    if not before:
        return None
    difference = sum(
        float((b.double() - a.detach().double()).square().sum()) for b, a in zip(before, after, strict=True)
    )
    norm = sum(float(b.double().square().sum()) for b in before)
    return float((difference / norm) ** 0.5)


def measured_columns(curve: list[CurvePoint]) -> dict[str, Any]:
    """Result columns of a learning curve: its last point, and the best accuracy over evaluations."""
    last = curve[-1]
    return {
        **_metric_columns(last),
        "best_val_accuracy": max(point.validation.accuracy for point in curve),
        "best_test_accuracy": max(point.test.accuracy for point in curve),
        "train_logloss": last.train_logloss,
        "train_samples": last.samples,
        "train_seconds": last.train_seconds,
        "evaluate_seconds": last.evaluate_seconds,
        "samples_per_second": last.samples / last.train_seconds,
    }


def curve_row(point: CurvePoint) -> dict[str, Any]:
    """One evaluation as a row of the learning curve."""
    return {
        "samples": point.samples,
        "train_logloss": point.train_logloss,
        **_metric_columns(point),
        "train_seconds": point.train_seconds,
        "evaluate_seconds": point.evaluate_seconds,
    }


def _metric_columns(point: CurvePoint) -> dict[str, float]:
    validation = {f"val_{name}": value for name, value in asdict(point.validation).items()}
    return validation | {f"test_{name}": value for name, value in asdict(point.test).items()}


def reset_peak(device: torch.device) -> None:
    """Start measuring peak memory anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM, the kernel's peak of resident memory


def _peak_bytes(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _resident_bytes("VmHWM")


def _resident_bytes(field: str) -> int:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
