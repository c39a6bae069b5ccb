"""Textures as pictures, made from two colours, a rule and a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interlock.hal.arrays import FloatArray
from interlock.hal.look import Pattern, Texture

__all__ = ["paint"]

_SIDE_PX = 256


def paint(texture: Texture) -> NDArray[np.uint8]:
    """The picture of a texture, shape (256, 256, 3), RGB; the same texture gives the same bytes."""
    generator = np.random.default_rng(texture.seed)
    share = _SHARES[texture.pattern](texture.count, generator)[:, :, None]
    first, second = np.array(texture.first), np.array(texture.second)
    mixed = np.clip((1.0 - share) * first + share * second, 0.0, 1.0)
    return np.asarray(np.rint(255.0 * mixed), dtype=np.uint8)


def _grid() -> tuple[FloatArray, FloatArray]:
    """Rows and columns of the picture, from 0 to 1."""
    steps = (np.arange(_SIDE_PX) + 0.5) / _SIDE_PX
    rows, columns = np.meshgrid(steps, steps, indexing="ij")
    return rows, columns


def _checker(count: int, generator: np.random.Generator) -> FloatArray:
    rows, columns = _grid()
    return np.asarray((np.floor(rows * count) + np.floor(columns * count)) % 2.0)


def _stripes(count: int, generator: np.random.Generator) -> FloatArray:
    rows, columns = _grid()
    across = columns if generator.random() < 0.5 else rows
    return np.asarray(np.floor(across * 2 * count) % 2.0)


def _clouds(count: int, generator: np.random.Generator) -> FloatArray:
    """Smooth noise: random values at the corners of a grid, blended between them."""
    return _blended(generator.random((count + 1, count + 1)))


def _grain(count: int, generator: np.random.Generator) -> FloatArray:
    """Wood: fine lines along one axis that a slow noise bends."""
    rows, columns = _grid()
    bend = 0.4 * _blended(generator.random((4, 4)))
    return np.asarray(0.5 + 0.5 * np.sin(2.0 * np.pi * count * (rows + bend)) * np.cos(3.0 * columns))


def _dots(count: int, generator: np.random.Generator) -> FloatArray:
    rows, columns = _grid()
    off = np.hypot(rows * count % 1.0 - 0.5, columns * count % 1.0 - 0.5)
    return np.asarray(off < 0.3, dtype=np.float64)


def _rings(count: int, generator: np.random.Generator) -> FloatArray:
    rows, columns = _grid()
    centre = generator.uniform(0.2, 0.8, size=2)
    return np.asarray(np.floor(2 * count * np.hypot(rows - centre[0], columns - centre[1])) % 2.0)


def _blended(corners: FloatArray) -> FloatArray:
    """Values between those of a grid, shape (256, 256)."""
    cells = len(corners) - 1
    at = (np.arange(_SIDE_PX) + 0.5) / _SIDE_PX * cells
    low = np.minimum(at.astype(int), cells - 1)
    share = at - low
    rows = corners[low] * (1.0 - share)[:, None] + corners[low + 1] * share[:, None]
    return np.asarray(rows[:, low] * (1.0 - share) + rows[:, low + 1] * share)


_SHARES = {
    Pattern.CHECKER: _checker,
    Pattern.STRIPES: _stripes,
    Pattern.CLOUDS: _clouds,
    Pattern.GRAIN: _grain,
    Pattern.DOTS: _dots,
    Pattern.RINGS: _rings,
}
