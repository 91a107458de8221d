"""What a process pays for once, before its first trial: kernels compiled or loaded, memory pools, threads."""

import logging

import torch

from ttrec_kernels import EmbeddingTables, FusedAdagrad, FusedSGD, TableKind, TablePlan, TTRecError, TTShape

logger = logging.getLogger(__name__)

_PLANS = (
    TablePlan("dense", 8, 4),
    TablePlan("tt", 8, 4, TableKind.TT, TTShape(8, 4, (2, 2, 2), (1, 2, 2), (1, 2, 2, 1))),
)


def warm_up(device: torch.device) -> None:
    """Train a toy of each kind of table by each optimiser, so that compiling is no time of a trial.

    Minutes where nothing was ever compiled, else a second. A failure is left to the trials, which tell it as theirs.
    """
    try:
        for optimizer in (FusedSGD(0.1), FusedAdagrad(0.1)):
            tables = EmbeddingTables(_PLANS, fused_optimizer=optimizer).to(device)
            indices = torch.zeros(len(_PLANS), 2, dtype=torch.int64, device=device)
            tables(indices).sum().backward()
        with torch.no_grad():
            tables(indices)
    except (TTRecError, RuntimeError, OSError, MemoryError) as error:
        logger.warning("warming up failed: %s", error)
