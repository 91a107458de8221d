"""The errors a user of the library can cause, as a tree.

TTRecError
 ├── ShapeError (ValueError)        a TT shape that cannot be: what holds too few rows, a wrong product, bad ranks
 ├── PlanError (ValueError)         a table plan that contradicts itself
 ├── BagError (ValueError)          indices, offsets or weights that do not describe bags
 ├── IndexRangeError (IndexError)   an index outside its table: names table, index and rows
 ├── UnsupportedError (NotImplementedError)  a part of nn.EmbeddingBag that a tensor train cannot offer
 ├── StorageError (ValueError)      a file of cores, or an FBTT checkpoint, that is not what it should be
 └── BackendError (RuntimeError)    a backend that this machine cannot run
"""


class TTRecError(Exception):
    """Root of all errors that ttrec raises on purpose."""


class ShapeError(TTRecError, ValueError):
    """A TT shape broke a rule; the message gives the rule, the value and the nearest valid one."""


class PlanError(TTRecError, ValueError):
    """A table plan contradicts itself."""


class BagError(TTRecError, ValueError):
    """Indices, offsets and per-sample weights do not describe bags."""


class IndexRangeError(TTRecError, IndexError):
    """An index lies outside its table."""


class UnsupportedError(TTRecError, NotImplementedError):
    """An option of `nn.EmbeddingBag` that has no meaning, or no support yet, for tensor trains."""


class StorageError(TTRecError, ValueError):
    """A file or state dict does not hold what it should; the message names it and the rule."""


class BackendError(TTRecError, RuntimeError):
    """The backend asked for cannot run on this machine."""
