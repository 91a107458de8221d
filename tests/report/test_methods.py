"""Rivals on the page: a symbol a method, int8 without a rank, names in words."""

import pytest

from ttrec_cli.report.legend import legend_html
from ttrec_cli.report.marks import SYMBOLS, look
from ttrec_cli.report.picture import make_picture

RIVALS = ("hash", "double-hash", "qr", "low-rank", "tt+hash", "tt+int8", "int8")


@pytest.fixture
def picture(make_analyses, make_row):
    rows = [make_row(method="dense", rank=None, tables=0, model_bytes=2_000_000_000)]
    for at, method in enumerate(("tt", "tt-frozen", *RIVALS)):
        rank = None if method == "int8" else 32
        rows.append(make_row(method=method, rank=rank, val_accuracy=0.78 + at / 1000, model_bytes=10**7 + at * 10**5))
    return make_picture(make_analyses(rows)[0])


def test_every_method_has_a_symbol_of_its_own(picture) -> None:
    looks = {mark.method: look(mark, picture) for mark in picture.marks}
    assert set(picture.rivals) == set(RIVALS)
    assert looks["tt"].symbol == looks["tt-frozen"].symbol == SYMBOLS[0]
    symbols = [looks[method].symbol for method in ("dense", "tt", *RIVALS)]
    assert len(set(symbols)) == len(symbols)
    assert not looks["int8"].is_open


def test_the_legend_names_them(picture) -> None:
    html = legend_html(picture)
    assert "Method: shape" in html
    assert "Dim: shape" not in html
    for method in ("tt", *RIVALS):
        assert f">{method}</li>" in html or f"{method}</li>" in html


def test_without_rivals_symbols_tell_dims(make_analyses, kaggle_rows) -> None:
    html = legend_html(make_picture(make_analyses(kaggle_rows())[0]))
    assert "Dim: shape" in html
    assert "Method: shape" not in html


def test_names_say_the_method(picture) -> None:
    names = {mark.method: mark.name for mark in picture.marks}
    assert names["hash"] == "7 tables at rank 32, dim 16 (hash)"
    assert names["int8"] == "7 tables, dim 16 (int8)"


def test_a_page_of_all_methods_is_made(make_page, make_row) -> None:
    rows = [make_row(method=method, rank=None if method == "int8" else 8, seed=0) for method in RIVALS]
    (section,) = make_page(rows).sections
    for method in RIVALS:
        assert any(method in row for row in section.tables[0].rows)
