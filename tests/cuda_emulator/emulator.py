"""Builds the CUDA sources for the host and launches them there, in the place of `launch.launch_kernel`."""

import ctypes
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch

from ttrec_kernels.cuda import launch
from ttrec_kernels.cuda.arguments import Argument
from ttrec_kernels.cuda.geometry import DeviceLimits, Geometry
from ttrec_kernels.cuda.source import Specialisation, kernel_names, source_text

HERE = Path(__file__).parent
FLAGS = ("-std=c++17", "-shared", "-fPIC", "-g", "-Wall", "-Wno-unknown-pragmas", "-Wno-sign-compare", "-Werror")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer")

H100 = DeviceLimits(132, 227 * 1024)


@dataclass
class Emulator:
    """Launches kernels on the host. `corrupt` spoils one of them on purpose.

    `backwards` runs threads and blocks from the last to the first.
    """

    folder: Path
    sanitize: bool = False
    backwards: bool = False
    limits: DeviceLimits = H100
    corrupt: tuple[str, str, str] | None = None
    """Stem of a source, a text in it, and what to put in its place."""
    corrupted: bool = False
    """Whether that text was met."""
    launched: list[tuple[str, Geometry]] = field(default_factory=list)

    @cached_property
    def _libraries(self) -> dict[tuple[str, Specialisation], ctypes.CDLL]:
        return {}

    def launch_kernel(
        self,
        stem: str,
        kernel: str,
        special: Specialisation,
        geometry: Geometry,
        arguments: Sequence[Argument],
        device: torch.device,
    ) -> None:
        """What `launch.launch_kernel` does, on the host's memory."""
        assert device.type == "cpu"
        self.launched.append((kernel, geometry))
        if 0 in geometry.blocks:
            return
        entry = getattr(self._library(stem, special), f"emulate_{kernel}")
        entry.restype = ctypes.c_char_p
        kept = [np.atleast_1d(np.asarray(argument)) for argument in arguments]
        places = (ctypes.c_void_p * len(kept))(*(argument.ctypes.data for argument in kept))
        sizes = (*geometry.blocks, geometry.threads)
        problem = entry(
            *map(ctypes.c_uint, sizes), ctypes.c_size_t(geometry.shared_bytes), places, len(kept), int(self.backwards)
        )
        assert problem is None, f"{kernel}: {problem.decode()}"

    def _library(self, stem: str, special: Specialisation) -> ctypes.CDLL:
        key = stem, special
        if key not in self._libraries:
            self._libraries[key] = ctypes.CDLL(str(self.build(stem, special)))
        return self._libraries[key]

    def build(self, stem: str, special: Specialisation) -> Path:
        """The shared library of one source, built unless the same text was built before."""
        text = source_text(stem)
        if self.corrupt is not None and self.corrupt[0] == stem:
            assert self.corrupt[1] in text
            text = text.replace(*self.corrupt[1:])
            self.corrupted = True
        entries = "\n".join(f"EMULATE({name})" for name in kernel_names(stem))
        code = f'#include "cuda_emulator.h"\n#line 1 "{stem}.cu"\n{text}\n{entries}\n'
        flags = (
            *FLAGS,
            "-O0" if self.corrupted else "-O1",
            *(SANITIZE if self.sanitize else ()),
            *special.defines,
            f"-I{HERE}",
        )
        headers = "".join(path.read_text() for path in sorted(HERE.glob("*.h")))
        name = hashlib.sha256("\0".join((code, headers, *flags)).encode()).hexdigest()[:24]
        library = self.folder / f"{stem}-{name}.so"
        if not library.exists():
            source = self.folder / f"{stem}-{name}-{os.getpid()}.cpp"
            built = source.with_suffix(".so")
            source.write_text(code)
            done = subprocess.run(
                ["g++", *flags, str(source), "-o", str(built)], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[:4000]
            source.unlink()
            built.rename(library)
        return library

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The launchers launch here, and memory that torch does not fill is NaN."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(launch, "launch_kernel", self.launch_kernel)
            patch.setattr(launch, "device_limits", lambda _: self.limits)
            patch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
            torch.use_deterministic_algorithms(True)
            try:
                yield
            finally:
                torch.use_deterministic_algorithms(False)


def require_compiler() -> None:
    """Skip without g++, unless TTREC_REQUIRE asks for `emulator`."""
    if shutil.which("g++") is None:
        required = "emulator" in os.environ.get("TTREC_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("no g++: the CUDA emulator cannot be built")
