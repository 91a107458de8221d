"""The seam between modules and backends: modules call the ops of this file and never a backend's own."""

from ttrec_kernels.choices import Backend, choose
from ttrec_kernels.errors import BackendError
from ttrec_kernels.reference.lookup import lookup_bags, lookup_rows

__all__ = ["choose_backend", "lookup_bags", "lookup_rows"]


def choose_backend(backend: str) -> Backend:
    """The backend that will run: `auto` is the fastest there is. Raises `BackendError` if it is not there."""
    asked = choose(Backend, backend, "backend")
    if asked in (Backend.CPU, Backend.CUDA):
        raise BackendError(f"backend '{asked}' is not built yet; use backend='reference' or backend='auto'")
    return Backend.REFERENCE
