"""All that a sweep file may say, and its loader."""

from ttrec_cli.config.loader import LoadedSweep, load_sweep
from ttrec_cli.config.models import (
    CacheConfig,
    CriteoData,
    Distribution,
    InitConfig,
    InitScale,
    Method,
    ModelConfig,
    Optimizer,
    Precision,
    ShapeConfig,
    SweepConfig,
    SyntheticData,
    TrainConfig,
    TrialConfig,
)
from ttrec_cli.config.run_settings import BudgetConfig, ResourcesConfig, SearchConfig

__all__ = [
    "BudgetConfig",
    "CacheConfig",
    "CriteoData",
    "Distribution",
    "InitConfig",
    "InitScale",
    "LoadedSweep",
    "Method",
    "ModelConfig",
    "Optimizer",
    "Precision",
    "ResourcesConfig",
    "SearchConfig",
    "ShapeConfig",
    "SweepConfig",
    "SyntheticData",
    "TrainConfig",
    "TrialConfig",
    "load_sweep",
]
