"""One plot, and the few pieces all plots are made of."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.traces.show import printable

__all__ = ["Figure", "line", "numbers", "plain_text", "stamps"]

_LONGEST = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One plot: name (unique in the page), title, note to the reader, height [px], data and layout."""

    name: str
    title: str
    note: str
    height: int
    data: list[dict[str, Any]]
    layout: dict[str, Any]


def plain_text(value: object) -> str:
    """Text for a plot: plotly reads a kind of HTML, so that hostile text must be escaped here too."""
    text = printable(value)
    return html.escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def numbers(values: NDArray[Any], digits: int) -> list[float | None]:
    """Values short enough for a page; NaN and infinity become gaps."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in values.tolist()]


def line(
    x: list[float], y: list[float | None], name: str, color: str, *, unit: str = "", **more: Any
) -> dict[str, Any]:
    """A thin line."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": color, "width": 1.7},
        "hovertemplate": "%{y:.4~g}" + (f" {unit}" if unit else ""),
    } | more


def stamps(values: NDArray[Any]) -> list[float]:
    """Times on the axis, to a tenth of a millisecond."""
    return np.round(values, 4).tolist()  # type: ignore[no-any-return]
