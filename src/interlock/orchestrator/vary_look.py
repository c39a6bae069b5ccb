"""Varies what cameras see and nothing else: lighting, textures, background, the base camera's place."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from interlock.hal.look import Light, Look, Pattern, Texture
from interlock.orchestrator.axes import SPREADS, Axis, choice_of, span_of
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.spread import Split
from interlock.planners.domain import Role

__all__ = ["apply_camera", "draw_camera", "draw_lighting", "draw_texture", "look_of"]

Data = dict[str, Any]
_BASE = "base"
_PLAIN = "plain"
_COUNTS = (6, 22)  # how often a pattern repeats in PyBullet's square of texture


def draw_lighting(cell: Cell, generator: np.random.Generator, split: Split) -> Data:
    """Where the lamp hangs, [deg], its coefficients, and how warm it is."""
    return {key: span.draw(generator, split) for key, span in SPREADS[Axis.LIGHTING].items()}


def draw_texture(cell: Cell, generator: np.random.Generator, split: Split) -> Data:
    """Pattern and colours of what everything stands on, and the background's two colours."""
    hues = span_of(Axis.TEXTURE, "hue")
    tables = [o.name for o in cell.file.scene.objects if o.role is Role.SUPPORT and o.stands_on is None]

    def color(saturation: float, value: float) -> list[float]:
        return list(colorsys.hsv_to_rgb(hues.draw(generator, split), saturation, value))

    drawn: Data = {"tables": {}}
    for name in tables:
        hue, value = hues.draw(generator, split), float(generator.uniform(0.35, 0.75))
        saturation = float(generator.uniform(0.10, 0.45))
        contrast = float(generator.uniform(0.75, 1.20))
        drawn["tables"][name] = {
            "pattern": choice_of(Axis.TEXTURE, "pattern").draw(generator, split),
            "first": list(colorsys.hsv_to_rgb(hue, saturation, value)),
            "second": list(colorsys.hsv_to_rgb(hue, saturation, min(1.0, value * contrast))),
            "count": int(generator.integers(*_COUNTS)),
            "seed": int(generator.integers(2**31)),
        }
    drawn["background"] = [color(0.15, float(generator.uniform(0.5, 1.0))) for _ in range(2)]
    return drawn


def look_of(drawn: Mapping[Axis, Any]) -> Look:
    """The look that was drawn, by axis; what was not is left to the renderer."""
    lighting, texture = drawn.get(Axis.LIGHTING), drawn.get(Axis.TEXTURE)
    return Look(
        light=None if lighting is None else _light(lighting),
        textures={} if texture is None else {n: _texture(t) for n, t in texture["tables"].items()},
        background=None if texture is None else _pair(texture["background"]),
    )


def draw_camera(cell: Cell, generator: np.random.Generator, split: Split) -> Data:
    """How far the base camera's eye and target are off, [m], and its field of view, [deg]."""

    def three(key: str) -> list[float]:
        return [span_of(Axis.CAMERA, key).draw(generator, split) for _ in range(3)]

    return {
        "eye_m": three("eye_m"),
        "target_m": three("target_m"),
        "fov_deg": span_of(Axis.CAMERA, "fov_deg").draw(generator, split),
    }


def apply_camera(data: Data, drawn: Mapping[str, Any]) -> None:
    """Move the base camera."""
    for camera in data.get("cameras", []):
        if camera.get("role") == _BASE:
            for key in ("eye_m", "target_m"):
                camera[key] = [a + b for a, b in zip(camera[key], drawn[key], strict=True)]
            camera["vertical_fov_deg"] += drawn["fov_deg"]


def _light(drawn: Mapping[str, float]) -> Light:
    azimuth, elevation = math.radians(drawn["azimuth_deg"]), math.radians(drawn["elevation_deg"])
    level, warmth = math.cos(elevation), drawn["warmth"]
    return Light(
        direction=(level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation)),
        color=(1.0 - max(0.0, -warmth), 1.0 - 0.5 * abs(warmth), 1.0 - max(0.0, warmth)),
        ambient=drawn["ambient"],
        diffuse=drawn["diffuse"],
        specular=drawn["specular"],
    )


def _texture(drawn: Mapping[str, Any]) -> Texture:
    plain = drawn["pattern"] == _PLAIN
    return Texture(
        pattern=Pattern.CHECKER if plain else Pattern(drawn["pattern"]),
        first=_rgb(drawn["first"]),
        second=_rgb(drawn["first" if plain else "second"]),
        count=drawn["count"],
        seed=drawn["seed"],
    )


def _pair(colors: list[list[float]]) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    upper, lower = colors
    return _rgb(upper), _rgb(lower)


def _rgb(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
