"""Train one trial in this process: build the model from its plan, train, evaluate, measure."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ttrec_cli.config import Method, Optimizer, TrainConfig
from ttrec_cli.data import ClickLog
from ttrec_cli.data.tensor_batches import batches_on
from ttrec_cli.dlrm.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from ttrec_cli.dlrm.model import DLRM
from ttrec_cli.dlrm.optimizers import mlp_optimizers
from ttrec_cli.dlrm.parallel import processes
from ttrec_cli.dlrm.precision import use_precision
from ttrec_cli.dlrm.training import CurvePoint, Schedule, Training
from ttrec_cli.sweep.cache_watcher import cache_watcher, hit_columns, total_hits
from ttrec_cli.sweep.costs import row_cache_settings
from ttrec_cli.sweep.grid import Trial
from ttrec_cli.sweep.int8 import int8_point
from ttrec_cli.sweep.messages import PAUSED, Outcome, Task
from ttrec_kernels import EmbeddingTables, FusedAdagrad, FusedOptimizer, FusedSGD

logger = logging.getLogger(__name__)


class StoppedError(Exception):
    """Somebody asked the trial to end; its state is kept."""


def run_trial(
    task: Task,
    log: ClickLog,
    device: torch.device,
    on_step: Callable[[int, float], None],
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train and evaluate, from the checkpoint if there is one; raises `DivergedError` or what the training raises.

    With `task.until` short of the trial's end, or once `stopped()`, the state is kept as a checkpoint.
    """
    reset_peak(device)
    base_bytes = 0 if device.type == "cuda" else _resident_bytes("VmRSS")
    keeper = Keeper(task, stopped)
    training = _begin(task, log, device, on_step, keeper)
    tt_parameters = embedding_of(training.model).tt_parameters()
    initial = [core.detach().clone() for core in tt_parameters]
    if keeper.path is not None and keeper.path.exists():
        try:
            load_checkpoint(training, keeper.path, task.name)
        except CheckpointError as error:
            logger.warning("%s; the trial starts anew", error)
            training = _begin(task, log, device, on_step, keeper)
            tt_parameters = embedding_of(training.model).tt_parameters()
    resumed = training.position.samples
    try:
        point = training.run(task.until)
    except StoppedError:
        samples = training.position.samples
        return Outcome("interrupted", f"after {samples:,} samples, which are kept; the same command goes on from there")
    paused = task.end < task.trial.train_samples
    if paused:
        keeper.save(training)
    points = training.curve
    if any(plan.int8 for plan in task.trial.plans):  # rounds the model: only after it was saved
        points = [point := int8_point(training.model, batches_on(log, device), schedule_of(task.trial), point)]
    columns = measured_columns([*points, point]) | {
        **hit_columns(task.trial.plans, total_hits(training.curve)),
        "tt_core_change": relative_change(initial, tt_parameters),
        "peak_training_bytes": max(0, _peak_bytes(device) - base_bytes),
        "resumed_samples": resumed,
    }
    rows = tuple(curve_row(each) | hit_columns(task.trial.plans, each.cache_hits) for each in points)
    return Outcome(PAUSED if paused else "ok", columns=columns, curve=rows)


class Keeper:
    """Saves a training from time to time, and at its end when it is asked to stop."""

    def __init__(self, task: Task, stopped: Callable[[], bool]) -> None:
        self.path = Path(task.checkpoint) if task.checkpoint else None
        self._identity = task.name
        self._seconds = task.checkpoint_seconds
        self._stopped = stopped
        self._saved = time.monotonic()

    def __call__(self, training: Training) -> None:
        """What the training does after every step. Raises `StoppedError` when it is to end."""
        stopped = self._stopped()
        if stopped or time.monotonic() - self._saved >= self._seconds:
            self.save(training)
            self._saved = time.monotonic()
        if stopped:
            raise StoppedError

    def save(self, training: Training) -> None:
        """Keep the state; a full disk costs the checkpoint, not the trial."""
        if self.path is None:
            return
        try:
            save_checkpoint(training, self.path, self._identity)
        except CheckpointError as error:
            logger.warning("%s", error)


def _begin(
    task: Task, log: ClickLog, device: torch.device, on_step: Callable[[int, float], None], keeper: Keeper
) -> Training:
    trial, train = task.trial, task.trial.config.train
    use_precision(train.precision, device)
    torch.manual_seed(trial.config.seed)
    model = build_model(trial, device, dense_features=log.dense.shape[1])
    optimizers = build_optimizers(model, train)
    watcher = cache_watcher(embedding_of(model), optimizers)
    return Training(model, optimizers, batches_on(log, device), schedule_of(trial), on_step, keeper, watcher)


def schedule_of(trial: Trial) -> Schedule:
    """How much and how a trial trains."""
    train = trial.config.train
    return Schedule(trial.train_samples, train.batch_size, train.test_batch_size, train.evaluations)


def build_model(trial: Trial, device: torch.device, dense_features: int = 13) -> DLRM:
    """The DLRM of a trial on its device; TT cores of `tt-frozen` take no gradient."""
    config = trial.config
    embedding = EmbeddingTables(
        trial.plans,
        distribution=config.init.distribution.value,
        scale=config.init.scale.value,
        dense_distribution=config.init.dense_distribution.value,
        seed=config.seed,
        cache=row_cache_settings(config, trial.plans, trial.train_samples),
        fused_optimizer=fused_optimizer(config.train, device),
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
        precision=config.train.precision,
    )
    return model.to(device)


def fused_optimizer(config: TrainConfig, device: torch.device) -> FusedOptimizer | None:
    """The optimiser of dense tables and tensor trains inside the backward pass, where compiled kernels offer it.

    None where several processes train together: their gradients are summed before a step.
    """
    if processes() > 1 or (device.type == "cuda" and find_spec("cupy") is None):
        return None
    rate = config.embedding_learning_rate or config.learning_rate
    return FusedAdagrad(rate) if config.optimizer == Optimizer.ADAGRAD else FusedSGD(rate)


def embedding_of(model: nn.Module) -> EmbeddingTables:
    """The embedding a trial's model was given."""
    embedding = getattr(model, "embedding", None)
    if not isinstance(embedding, EmbeddingTables):
        raise TypeError(f"a trial's embedding is EmbeddingTables, but this is {type(embedding).__name__}")
    return embedding


def build_optimizers(model: DLRM, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """What is stepped after a backward pass: one each for what is not trained within it, see `mlp_optimizers`."""
    make = torch.optim.Adagrad if config.optimizer == Optimizer.ADAGRAD else torch.optim.SGD
    # Sparse Adagrad warns unless the choice is made: its gradients come from torch's own embedding, so they hold.
    torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
    embedding_rate = config.embedding_learning_rate or config.learning_rate
    embedding = embedding_of(model)
    is_fused = embedding.fused is not None
    mlps = mlp_optimizers([model.bottom_mlp, model.top_mlp], config.optimizer, config.learning_rate, config.precision)
    groups = (
        [] if is_fused else embedding.dense_parameters(),
        [] if is_fused else embedding.tt_parameters(),
        [] if is_fused else embedding.cache_parameters(),
        embedding.rival_parameters(),
    )
    trainable = ([p for p in parameters if p.requires_grad] for parameters in groups)
    return [*mlps, *(make(parameters, lr=embedding_rate) for parameters in trainable if parameters)]


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
