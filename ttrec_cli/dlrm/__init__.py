"""DLRM as MLPerf defines it, its training loop and its metrics."""
