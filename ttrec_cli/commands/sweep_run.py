"""Train a prepared sweep: with its executor, its live view and its status file."""

from typing import TYPE_CHECKING

from ttrec_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ttrec_cli.sweep.events import Event
    from ttrec_cli.sweep.executor import Executor
    from ttrec_cli.sweep.run import Redo, Summary, Sweep


def train(sweep: "Sweep", executor: "Callable[[], Executor]", on_ray: bool, redo: "Redo") -> "Summary":
    """Train what is pending."""
    from ttrec_cli.commands.sweep_live import LiveView
    from ttrec_cli.sweep.memory import does_not_fit, memory_there
    from ttrec_cli.sweep.progress import SweepProgress
    from ttrec_cli.sweep.run import run
    from ttrec_cli.sweep.status import StatusWriter

    config = sweep.loaded.config
    there = config.resources.device_memory if on_ray else memory_there(config)
    misfits = {trial.key: reason for trial in sweep.trials if (reason := does_not_fit(trial, there))}
    progress = SweepProgress(config, sweep.trials, sweep.stored)
    writer = StatusWriter(sweep.directory, progress)
    with LiveView(sweep, progress) as view:

        def observe(event: "Event") -> None:
            progress(event)
            writer(event)
            view(event)

        return run(sweep, executor, observe, redo, misfits)


def local_or_ray(sweep: "Sweep", device: str, on_ray: bool, address: str) -> "Executor":
    """Where the sweep trains: processes of this machine, or the Ray cluster at `address`."""
    resources = sweep.loaded.config.resources
    if device == "cpu" and any(trial.config.train.precision == "tf32" for trial in sweep.trials):
        raise ConfigError("train.precision: tf32 is a mode of GPUs, but --device is cpu; use fp32 or bf16")
    if on_ray:
        from ttrec_cli.sweep.ray_executor import RayExecutor

        return RayExecutor(device, resources, address)
    from ttrec_cli.sweep.local_executor import LocalExecutor

    return LocalExecutor(device, resources)
