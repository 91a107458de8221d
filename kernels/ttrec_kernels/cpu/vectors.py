"""Vectors of floats in the LLVM code that this package writes itself: how wide they are, where they lie."""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils

FLOAT, INT32, INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)


def _vector_width() -> int:
    """Floats of the widest vector that this processor multiplies."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f", False):
        return 16
    return 8 if features.get("avx2", False) else 4


WIDTH = _vector_width()


def variable(builder: ir.IRBuilder, value: Any) -> Any:
    """Pointer to a local variable that begins as `value`; LLVM keeps it in a register."""
    return cgutils.alloca_once_value(builder, value)  # type: ignore[no-untyped-call]


def at(builder: ir.IRBuilder, address: Any, offset: Any, kind: ir.Type) -> Any:
    """Pointer to what lies `offset` bytes behind an address."""
    return builder.inttoptr(builder.add(address, offset), kind.as_pointer())


def spread(builder: ir.IRBuilder, number: Any, kind: ir.VectorType) -> Any:
    """A vector of one number."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, number, INT32(0))
    zeros = ir.Constant(ir.VectorType(INT32, kind.count), [0] * kind.count)
    return builder.shuffle_vector(first, undefined, zeros)
