"""The ways in which a cell is varied, and how far each goes, seen and held out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from interlock.hal.look import Pattern
from interlock.orchestrator.spread import Choice, Span
from interlock.policy.wording import HELD_OUT, SEEN

__all__ = ["SPREADS", "Axis", "choice_of", "span_of"]


class Axis(StrEnum):
    """One way in which a cell is varied."""

    POSITION = "position"  # where blocks stand around their places, and how they are turned
    ARRANGEMENT = "arrangement"  # which block stands at which place
    LIGHTING = "lighting"
    TEXTURE = "texture"  # of the table, and the background
    INSTANCE = "instance"  # sizes of blocks, shades of their colours, shade of the tray
    CAMERA = "camera"  # where the base camera stands, and its field of view
    PARAPHRASE = "paraphrase"  # how a step is said


def _around(least: float, most: float) -> tuple[tuple[float, float], ...]:
    """Numbers whose size is between the two, of either sign."""
    return ((-most, -least), (least, most))


SPREADS: Mapping[Axis, Mapping[str, Span | Choice]] = MappingProxyType(
    {
        Axis.POSITION: {
            # Of the larger of the two offsets from the middle of a place, [m]: a square, and the ring around.
            "offset_m": Span(seen=((0.0, 0.030),), held_out=((0.036, 0.050),)),
            "yaw_rad": Span(seen=((-0.40, 0.40),), held_out=_around(0.45, 0.70)),
        },
        Axis.ARRANGEMENT: {"parity": Choice(seen=("even",), held_out=("odd",))},
        Axis.LIGHTING: {
            "azimuth_deg": Span(seen=((-100.0, 60.0),), held_out=((90.0, 230.0),)),
            "elevation_deg": Span(seen=((55.0, 85.0),), held_out=((30.0, 50.0),)),
            "ambient": Span(seen=((0.55, 0.70),), held_out=((0.40, 0.52), (0.74, 0.80))),
            "diffuse": Span(seen=((0.30, 0.45),), held_out=((0.20, 0.27), (0.48, 0.60))),
            "specular": Span(seen=((0.0, 0.08),), held_out=((0.12, 0.30),)),
            # Above 0 the lamp is warm, below it is cold.
            "warmth": Span(seen=((-0.05, 0.08),), held_out=((-0.18, -0.08), (0.11, 0.20))),
        },
        Axis.TEXTURE: {
            "pattern": Choice(
                seen=("plain", Pattern.CHECKER.value, Pattern.STRIPES.value, Pattern.CLOUDS.value),
                held_out=(Pattern.GRAIN.value, Pattern.DOTS.value, Pattern.RINGS.value),
            ),
            # Hue of the table's and the background's colours; saturations are low, so that blocks stay apart.
            "hue": Span(seen=((0.02, 0.14), (0.50, 0.68)), held_out=((0.18, 0.46), (0.74, 0.92))),
        },
        Axis.INSTANCE: {
            "width": Span(seen=((0.92, 1.03),), held_out=((0.82, 0.90),)),
            "height": Span(seen=((0.95, 1.04),), held_out=((1.06, 1.12),)),
            "shade": Span(seen=((0.85, 1.10),), held_out=((0.62, 0.80),)),
        },
        Axis.CAMERA: {
            "eye_m": Span(seen=((-0.020, 0.020),), held_out=_around(0.028, 0.045)),
            "target_m": Span(seen=((-0.010, 0.010),), held_out=_around(0.014, 0.022)),
            "fov_deg": Span(seen=((-1.0, 1.0),), held_out=_around(1.5, 2.5)),
        },
        Axis.PARAPHRASE: {
            "template": Choice(
                seen=tuple(text for texts in SEEN.values() for text in texts),
                held_out=tuple(text for texts in HELD_OUT.values() for text in texts),
            )
        },
    }
)
"""How far each quantity goes; a quantity that is not drawn by name here is drawn alike in both splits."""


def span_of(axis: Axis, quantity: str) -> Span:
    """How far a number goes."""
    spread = SPREADS[axis][quantity]
    if not isinstance(spread, Span):
        raise TypeError(f"{axis} {quantity} is drawn by name")
    return spread


def choice_of(axis: Axis, quantity: str) -> Choice:
    """Which names there are."""
    spread = SPREADS[axis][quantity]
    if not isinstance(spread, Choice):
        raise TypeError(f"{axis} {quantity} is a number")
    return spread
