"""The paper's tables and figures, reproduced: items, measurements, verdicts, one page; used by `ttrec paper` alone."""
