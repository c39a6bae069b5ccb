"""Colours by name: what a goal calls them and how the simulator draws them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["NO_COLOR", "PALETTE", "Rgba"]

Rgba = tuple[float, float, float, float]

NO_COLOR: Rgba = (0.72, 0.72, 0.70, 1.0)
"""How a thing is drawn whose cell names no colour."""

PALETTE: Mapping[str, Rgba] = MappingProxyType(
    {
        "black": (0.08, 0.08, 0.09, 1.0),
        "blue": (0.13, 0.32, 0.80, 1.0),
        "brown": (0.45, 0.30, 0.17, 1.0),
        "green": (0.16, 0.58, 0.25, 1.0),
        "grey": (0.50, 0.51, 0.53, 1.0),
        "orange": (0.93, 0.50, 0.10, 1.0),
        "purple": (0.48, 0.22, 0.62, 1.0),
        "red": (0.82, 0.13, 0.13, 1.0),
        "white": (0.95, 0.95, 0.94, 1.0),
        "yellow": (0.94, 0.80, 0.12, 1.0),
    }
)
