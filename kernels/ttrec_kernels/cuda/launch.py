"""The only module that meets CuPy: kernels are compiled by NVRTC, kept on disk by CuPy, and launched on torch's stream.

A module is compiled once for each `Specialisation` and device. Compiling and loading need the device to be idle of
graph capture: call `warm_up` before a step is captured.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

from ttrec_kernels.cuda.arguments import Argument
from ttrec_kernels.cuda.geometry import PLAIN_SHARED_BYTES, DeviceLimits, Geometry
from ttrec_kernels.cuda.source import OPTIONS, STEMS, Specialisation, kernel_names, source_text
from ttrec_kernels.errors import BackendError


def launch_kernel(
    stem: str,
    kernel: str,
    special: Specialisation,
    geometry: Geometry,
    arguments: Sequence[Argument],
    device: torch.device,
) -> None:
    """Launch a kernel of `stem`.cu on torch's current stream; returns at once."""
    import cupy

    if geometry.blocks[0] == 0 or geometry.blocks[1] == 0:
        return
    index = torch.cuda.current_device() if device.index is None else device.index
    function = _function(stem, kernel, special, index, geometry.shared_bytes)
    with torch.cuda.device(index):
        stream = cupy.cuda.Stream.from_external(torch.cuda.current_stream())
        with stream:
            function(geometry.blocks, (geometry.threads,), tuple(arguments), shared_mem=geometry.shared_bytes)


@cache
def device_limits(device: torch.device) -> DeviceLimits:
    """What launches must know of a device."""
    properties = torch.cuda.get_device_properties(device)
    shared = getattr(properties, "shared_memory_per_block_optin", PLAIN_SHARED_BYTES)
    return DeviceLimits(properties.multi_processor_count, int(shared))


def warm_up(special: Specialisation, device: torch.device | str) -> None:
    """Compile and load every kernel for one specialisation, so that a later capture finds them loaded."""
    device = torch.device(device)
    index = torch.cuda.current_device() if device.index is None else device.index
    for stem in STEMS:
        for kernel in kernel_names(stem):
            _function(stem, kernel, special, index, 0)


@cache
def _function(stem: str, kernel: str, special: Specialisation, index: int, shared_bytes: int) -> Any:
    """The loaded kernel, allowed so much shared memory."""
    import cupy

    with cupy.cuda.Device(index):
        function = _module(stem, special, index).get_function(kernel)
        if shared_bytes > PLAIN_SHARED_BYTES:
            function.max_dynamic_shared_size_bytes = shared_bytes
        function.attributes  # noqa: B018 - loads the kernel now: a first launch within a capture could not
    return function


@cache
def _module(stem: str, special: Specialisation, index: int) -> Any:
    require_device(index)
    import cupy

    options = (*OPTIONS, *include_options(), *special.defines)
    module = cupy.RawModule(code=source_text(stem), options=options)
    try:
        module.compile()
    except cupy.cuda.compiler.CompileException as error:
        first = str(error).strip().splitlines()[0]
        raise BackendError(f"NVRTC could not compile {stem}.cu: {first}; run `ttrec doctor`") from error
    return module


@cache
def require_device(index: int) -> None:
    """Raise `BackendError`, one sentence, unless kernels can be compiled for and run on CUDA device `index`."""
    from ttrec_kernels.cuda.status import cuda_status

    problem = cuda_status(index).problem
    if problem:
        raise BackendError(problem)


@cache
def include_options() -> tuple[str, ...]:
    """Where the compiler finds CUDA's headers of 16-bit numbers: in the wheels that CuPy brings, or in a toolkit."""
    try:
        from cuda import pathfinder
    except ImportError:  # CuPy before 14.1 finds a toolkit by itself
        return ()
    folder = pathfinder.find_nvidia_header_directory("cudart")
    return () if folder is None else (f"-I{folder}",)


def nvrtc_version() -> tuple[int, int]:
    """Version of the NVRTC that CuPy loads; raises whatever a missing or broken one raises."""
    from cupy.cuda import nvrtc

    major, minor = nvrtc.getVersion()
    return int(major), int(minor)


def compile_offline(stem: str, special: Specialisation, capability: int) -> tuple[bytes, str]:
    """Machine code for one capability (90 for 9.0) and the compiler's report; needs NVRTC, but no GPU and no driver."""
    from cupy.cuda import nvrtc

    program = nvrtc.createProgram(source_text(stem), f"{stem}.cu", [], [])
    options = [*OPTIONS, *include_options(), *special.defines, f"-arch=sm_{capability}", "--ptxas-options=-v"]
    try:
        nvrtc.compileProgram(program, options)
    except nvrtc.NVRTCError as error:
        raise BackendError(f"NVRTC could not compile {stem}.cu: {nvrtc.getProgramLog(program)}") from error
    code, report = nvrtc.getCUBIN(program), nvrtc.getProgramLog(program)
    nvrtc.destroyProgram(program)
    return code, report
