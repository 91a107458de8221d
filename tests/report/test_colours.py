"""Contrast of every colour that a mark can have."""

import pytest

from ttrec_cli.report.colours import HUES, INK, Theme, contrast, neutral, paint


def test_contrast_of_known_pairs():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("shades", [1, 2, 3, 7])
def test_every_mark_stands_out_from_the_page(theme, shades):
    for rank in range(len(HUES)):
        found = [
            contrast(getattr(paint(rank, shade, shades), theme.value), theme.background) for shade in range(shades)
        ]
        assert min(found) >= 3
        assert found == sorted(found)
    assert contrast(getattr(INK, theme.value), theme.background) >= 7


@pytest.mark.parametrize("theme", list(Theme))
def test_shades_and_ranks_differ(theme):
    colours = {getattr(paint(rank, shade, 3), theme.value) for rank in range(8) for shade in range(3)}
    assert len(colours) == 24
    greys = [getattr(neutral(shade, 3), theme.value) for shade in range(3)]
    assert all(grey[1:3] == grey[3:5] == grey[5:7] for grey in greys)
