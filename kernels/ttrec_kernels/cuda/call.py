"""One lookup as all its launches share it: the structures that each kernel takes first."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ttrec_kernels.cuda import launch
from ttrec_kernels.cuda.arguments import (
    Argument,
    Batch,
    Struct,
    cache_struct,
    lookups_struct,
    slots_struct,
    tables_struct,
)
from ttrec_kernels.cuda.geometry import DeviceLimits, Geometry
from ttrec_kernels.cuda.source import Specialisation
from ttrec_kernels.cuda.tables import DeviceTables
from ttrec_kernels.errors import BackendError


@dataclass(frozen=True)
class Call:
    """A batch looked up in prepared tables."""

    tables: DeviceTables
    batch: Batch

    def __post_init__(self) -> None:
        if self.segments >= 2**31:
            raise BackendError(f"one call on CUDA makes fewer than 2^31 vectors, but asks for {self.segments}")

    @property
    def segments(self) -> int:
        """Vectors of the output: bags · tables."""
        return self.batch.bags * self.tables.tables

    @property
    def lookups(self) -> int:
        """Indices given."""
        return self.batch.indices.numel()

    @property
    def device(self) -> torch.device:
        """Where all tensors are."""
        return self.tables.device

    @property
    def limits(self) -> DeviceLimits:
        """What the device allows a launch."""
        return launch.device_limits(self.device)

    @cached_property
    def specialisation(self) -> Specialisation:
        """Types of the weights and the indices."""
        return Specialisation(self.batch.weights[0].dtype, self.batch.indices.dtype)

    @cached_property
    def tables_struct(self) -> Struct:
        """`Tables`."""
        return tables_struct(self.tables, self.batch.mean)

    @cached_property
    def cache_struct(self) -> Struct:
        """`Cache`."""
        return cache_struct(self.batch)

    @cached_property
    def lookups_struct(self) -> Struct:
        """`Lookups`."""
        return lookups_struct(self.batch)

    @cached_property
    def weights_struct(self) -> Struct:
        """`Slots` of the weights."""
        return slots_struct(self.batch.weights)

    def launch(self, stem: str, kernel: str, geometry: Geometry, *arguments: Argument | int) -> None:
        """Launch a kernel that takes `Tables`, then `arguments`; whole numbers are passed as `int`."""
        typed = [np.int32(value) if isinstance(value, int) else value for value in arguments]
        launch.launch_kernel(stem, kernel, self.specialisation, geometry, [self.tables_struct, *typed], self.device)
