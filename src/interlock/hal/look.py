"""How a simulated cell looks: light, surfaces, background. Nothing here has a weight, a size or a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Light", "Look", "Pattern", "Texture"]

Rgb = tuple[float, float, float]
"""Red, green and blue, each from 0 to 1."""


class Pattern(StrEnum):
    """How the two colours of a texture are laid out."""

    CHECKER = "checker"
    STRIPES = "stripes"
    CLOUDS = "clouds"
    GRAIN = "grain"
    DOTS = "dots"
    RINGS = "rings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texture:
    """A picture made of two colours by a rule and a seed.

    Attributes:
        pattern: the rule.
        first: one colour.
        second: the other.
        count: how often the pattern repeats along an edge.
        seed: decides what is random in it.
    """

    pattern: Pattern
    first: Rgb
    second: Rgb
    count: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A lamp far away and how surfaces answer it (Phong's three coefficients).

    Attributes:
        direction: from the cell toward the lamp, world axes, any length.
        color: of the lamp.
        ambient: share of the light that comes from everywhere.
        diffuse: share that a dull surface sends on.
        specular: share that a shiny surface mirrors.
    """

    direction: tuple[float, float, float]
    color: Rgb
    ambient: float
    diffuse: float
    specular: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one cell looks in its cameras.

    Attributes:
        light: the lamp; None leaves the renderer its own.
        textures: by name of the object.
        background: colours above and below the horizon of a picture; None leaves it white.
    """

    light: Light | None = None
    textures: Mapping[str, Texture] = field(default_factory=dict)
    background: tuple[Rgb, Rgb] | None = None
