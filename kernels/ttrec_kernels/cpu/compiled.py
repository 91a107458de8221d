"""How the loops of this package are compiled, and float arrays at raw addresses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # Sums may be reordered, which vector units need; NaN and infinity keep their meaning.
    "fastmath": {"reassoc", "contract", "nsz"},
}


def compiled(function: Function) -> Function:
    """The function as machine code, cached beside its module."""
    return cast(Function, _fresh(njit(**OPTIONS)(function)))


def inlined(function: Function) -> Function:
    """The same as part of its callers, for what is called once a lookup or node: a call counts references of its
    arrays up and down, each time by an atomic operation."""
    return cast(Function, _fresh(njit(forceinline=True, **OPTIONS)(function)))


def generated(function: Function) -> Function:
    """The same for a function made by another one: cached as a part of those that call it, not by itself."""
    return cast(Function, njit(**{**OPTIONS, "cache": False})(function))


def compiled_parallel(function: Function) -> Function:
    """The same with its `prange` loops shared by Numba's threads."""
    return cast(Function, _fresh(njit(parallel=True, **OPTIONS)(function)))


def at_address(function: Function, signature: Any) -> int:
    """Where machine code of the function with that signature of numbers begins, for C and whoever calls like it."""
    options = {name: OPTIONS[name] for name in ("error_model", "fastmath")}
    code: Any = CFunc(function, (signature.args, signature.return_type), {}, options)
    code.enable_caching()
    _fresh(code).compile()
    _kept.append(code)
    return int(code.address)


_kept: list[Any] = []
"""Machine code that is called by its address alone, which must not be freed."""


def _fresh(dispatcher: Any) -> Any:
    """The dispatcher, whose cached machine code is used only while no file of this package has changed.

    Numba looks at the file of a function alone, not at those of the functions it calls and inlines.
    """
    cache_file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(cache_file, "_source_stamp"):
        cache_file._source_stamp = SOURCES
    return dispatcher


def _sources() -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of each file that compiled code comes from."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), here.parent / "layout.py"]
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.exists())


SOURCES = _sources()


ITEM = 4
"""Bytes of a float32."""


@intrinsic
def _pointer(_: Any, address: Any, item: Any) -> Any:
    """The address (int64) as a pointer to numbers like `item`."""

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(types.CPointer(item)))

    return types.CPointer(item)(address, item), generate


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]
def floats_at(address: int, count: int) -> Any:
    """Array of `count` float32 at `address`; nobody owns it, and nothing is checked."""
    return carray(_pointer(np.int64(address), np.float32(0)), count)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]
def ints_at(address: int, count: int) -> Any:
    """Array of `count` int32 at `address`, likewise."""
    return carray(_pointer(np.int64(address), np.int32(0)), count)


@njit(cache=True, forceinline=True)  # type: ignore[untyped-decorator]
def longs_at(address: int, count: int) -> Any:
    """Array of `count` int64 at `address`, likewise."""
    return carray(_pointer(np.int64(address), np.int64(0)), count)
