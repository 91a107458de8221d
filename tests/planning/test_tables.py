"""The published table lists."""

import pytest

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning import KAGGLE_ROWS, TABLE_NAMES, TERABYTE_40M_ROWS, TERABYTE_ROWS, table_rows


@pytest.mark.parametrize(
    ("name", "rows", "total"),
    [
        ("kaggle", KAGGLE_ROWS, 33_762_577),
        ("terabyte", TERABYTE_ROWS, 49_126_297),
        ("terabyte-40m", TERABYTE_40M_ROWS, 187_767_399),
    ],
)
def test_published_totals(name, rows, total) -> None:
    assert table_rows(name) is rows
    assert len(rows) == len(TABLE_NAMES)
    assert sum(rows) == total


def test_names_are_the_columns_of_criteo() -> None:
    assert (TABLE_NAMES[0], TABLE_NAMES[-1]) == ("C1", "C26")
    assert KAGGLE_ROWS[TABLE_NAMES.index("C3")] == max(KAGGLE_ROWS)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean kaggle"):
        table_rows("Kagle")
