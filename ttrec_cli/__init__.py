"""The `ttrec` command: which embedding tables to replace by tensor trains, and at what cost."""

__version__ = "0.1.0"
