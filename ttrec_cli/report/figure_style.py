"""What all figures share: fonts, axes, both colours of a trace."""

from typing import Any

from ttrec_cli.report.colours import INK, Paint

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

AXIS: dict[str, Any] = {"gridcolor": "#d5d9df", "zeroline": False, "ticks": "outside", "ticklen": 4}


def shared_layout(height: int) -> dict[str, Any]:
    """Font, transparent paper and margins of a figure this many pixels high; the width follows the page."""
    return {
        "height": height,
        "font": {"family": FONT, "size": 13, "color": INK.light},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 68, "r": 16, "t": 16, "b": 56},
        "hoverlabel": {"align": "left", "font": {"size": 13, "family": FONT}},
    }


def both(paint: Paint) -> dict[str, Any]:
    """A trace's colours by theme, for the page's script."""
    return {"light": paint.light, "dark": paint.dark}


def rgba(colour: str, opacity: float) -> str:
    """A `#rrggbb` colour made translucent."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
