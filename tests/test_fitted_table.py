"""Tables on narrow terminals: whole columns are left out, numbers are never cut."""

from io import StringIO

import pytest
from rich.console import Console

from ttrec_cli.console import CommandResult, show
from ttrec_cli.fitted_table import FittedTable

NUMBERS = ("1,234.56", "7.89 … 9.87", "65,536")
TABLE = FittedTable("some times", ("case", "median", "spread", "held"), (("tt", *NUMBERS),), ("held", "spread"))


@pytest.mark.parametrize(
    ("width", "left_out"), [(80, ()), (37, ()), (36, ("held",)), (29, ("held",)), (28, ("held", "spread"))]
)
def test_a_column_is_there_whole_or_not_at_all(width: int, left_out: tuple[str, ...]) -> None:
    table, without = TABLE.fitted(width)
    assert without == left_out
    console = Console(width=width, file=StringIO())
    with console.capture() as capture:
        console.print(table)
    shown = capture.get()
    for title, number in zip(TABLE.columns[1:], NUMBERS, strict=True):
        assert (number in shown) == (title in shown) == (title not in left_out)


def test_words_at_the_end_are_cut_before_a_column_goes() -> None:
    words = FittedTable("", ("n", "big", "key"), (("1", "2", "k" * 60),), ("big",), ends_in_words=True)
    assert words.fitted(2 + 1 + 2 + 3 + 2 + 16)[1] == ()
    assert words.fitted(2 + 1 + 2 + 3 + 2 + 15)[1] == ("big",)


def test_stderr_says_what_is_left_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "32")
    show(CommandResult("bench", {}, (TABLE,)), as_json=False)
    captured = capsys.readouterr()
    assert captured.err.startswith("left out at 32 columns: held; --json has all")
    assert "7.89 … 9.87" in captured.out
