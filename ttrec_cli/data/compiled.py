"""Loops compiled by Numba: on first use, cached beside the module, without the interpreter's lock.

Modules of compiled loops are imported inside functions: importing Numba takes half a second that only work
on whole logs has to pay.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code, with the types it is first called with."""
    return cast(Function, njit(cache=True, nogil=True)(function))
