"""Rows of the embedding tables of public click logs, in column order C1 … C26.

Source: DLRM's preprocessing of Criteo Kaggle and Criteo Terabyte, as published with MLPerf.
"""

from difflib import get_close_matches

from ttrec_cli.errors import ConfigError

TABLE_NAMES = tuple(f"C{column}" for column in range(1, 27))
"""The categorical columns of Criteo; each is one table."""

KAGGLE_ROWS = (
    1460, 583, 10131227, 2202608, 305, 24, 12517, 633, 3, 93145, 5683, 8351593, 3194,
    27, 14992, 5461306, 10, 5652, 2173, 4, 7046547, 18, 15, 286181, 105, 142572,
)  # fmt: skip

TERABYTE_ROWS = (
    9980333, 36084, 17217, 7378, 20134, 3, 7112, 1442, 61, 9758201, 1333352, 313829, 10,
    2208, 11156, 122, 4, 970, 14, 9994222, 7267859, 9946608, 415421, 12420, 101, 36,
)  # fmt: skip
"""Ids modulo 10 million, negative samples kept with probability 0.125 (sub-sampling rate 0.875)."""

TERABYTE_40M_ROWS = (
    39884406, 39043, 17289, 7420, 20263, 3, 7120, 1543, 63, 38532951, 2953546, 403346, 10,
    2208, 11938, 155, 4, 976, 14, 39979771, 25641295, 39664984, 585935, 12972, 108, 36,
)  # fmt: skip
"""Ids modulo 40 million: MLPerf v1."""

ROWS_BY_NAME = {"kaggle": KAGGLE_ROWS, "terabyte": TERABYTE_ROWS, "terabyte-40m": TERABYTE_40M_ROWS}


def table_rows(name: str) -> tuple[int, ...]:
    """Rows of the named list of tables; `ConfigError` names the nearest known one."""
    if name not in ROWS_BY_NAME:
        nearest = get_close_matches(name.lower(), ROWS_BY_NAME, n=1, cutoff=0.0)[0]
        known = ", ".join(ROWS_BY_NAME)
        raise ConfigError(f"a list of tables is one of {known}, but {name!r} was asked for; did you mean {nearest}?")
    return ROWS_BY_NAME[name]
