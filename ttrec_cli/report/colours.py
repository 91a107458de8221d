"""Colours of the picture: hue tells the rank, contrast with the page tells how many tables are compressed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import cos, radians, sin

LEAST_CONTRAST, MOST_CONTRAST = 3.1, 10.5
"""Of a mark with the page behind it, by WCAG 2; 3:1 is its least for graphics."""

HUES = (255.0, 165.0, 72.0, 338.0, 200.0, 300.0, 120.0, 25.0)
"""Degrees in OKLCH for ranks in rising order: blue, green, amber and rose first, also apart to the colour-blind."""

_Rgb = tuple[float, float, float]


class Theme(StrEnum):
    """The page's two looks; the value names the CSS media feature."""

    LIGHT = "light"
    DARK = "dark"

    @property
    def background(self) -> str:
        """The page's colour behind the picture."""
        return {"light": "#ffffff", "dark": "#15181d"}[self.value]


@dataclass(frozen=True)
class Paint:
    """One colour in both themes, as `#rrggbb`."""

    light: str
    dark: str


INK = Paint("#1d2127", "#e8eaed")
"""Of text, the frontier line and uncompressed models."""


@lru_cache(maxsize=1024)
def paint(rank_index: int, shade_index: int, shades: int) -> Paint:
    """Colour of the `rank_index`-th rank; the more tables (`shade_index` of `shades`), the more contrast."""
    hue = HUES[rank_index % len(HUES)]
    target = _target(shade_index, shades)
    return Paint(_mix(hue, target, Theme.LIGHT), _mix(hue, target, Theme.DARK))


def neutral(shade_index: int, shades: int) -> Paint:
    """The same shade without a hue, for the legend."""
    target = _target(shade_index, shades)
    return Paint(_mix(None, target, Theme.LIGHT), _mix(None, target, Theme.DARK))


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two `#rrggbb` colours, 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _target(shade_index: int, shades: int) -> float:
    share = shade_index / (shades - 1) if shades > 1 else 0.5
    return float(LEAST_CONTRAST * (MOST_CONTRAST / LEAST_CONTRAST) ** share)


def _mix(hue: float | None, target: float, theme: Theme) -> str:
    """The hue at the lightness whose contrast with the theme's background is `target`."""
    low, high = 0.0, 1.0
    for _ in range(20):
        lightness = (low + high) / 2
        enough = contrast(_vivid(lightness, hue), theme.background) >= target
        if enough == (theme == Theme.LIGHT):
            low = lightness
        else:
            high = lightness
    return _vivid(low if theme == Theme.LIGHT else high, hue)


def _vivid(lightness: float, hue: float | None) -> str:
    """The most saturated colour of this OKLCH lightness and hue that sRGB can show, saturation capped."""
    saturation = 0.0 if hue is None else 0.17
    rgb = _srgb(lightness, saturation, hue or 0.0)
    while saturation > 0 and not all(-1e-4 <= channel <= 1.0001 for channel in rgb):
        saturation = max(0.0, saturation - 0.004)
        rgb = _srgb(lightness, saturation, hue or 0.0)
    return "#" + "".join(f"{round(255 * _gamma(min(1.0, max(0.0, channel)))):02x}" for channel in rgb)


def _srgb(lightness: float, saturation: float, hue: float) -> _Rgb:
    """Linear sRGB of an OKLCH colour. Source: Björn Ottosson, A perceptual color space (2020)."""
    a, b = saturation * cos(radians(hue)), saturation * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _luminance(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> Sequence[float]:
    return [_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5)]
