"""Several capsules that cover one solid together, where one would be too fat."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from interlock.guards.capsule_fit import (
    Capsule,
    Sides,
    Tip,
    fit_points,
    hull_points,
    principal_directions,
)
from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["cover"]

_GRID = 20  # samples per axis when the volume of a union is counted
_SCREEN = 60  # steps of search for one capsule while cuts are compared


def cover(
    pieces: Sequence[FloatArray], max_capsules: int, min_gain: float, tip: Tip | None = None
) -> list[Capsule]:
    """Capsules whose union holds every convex piece.

    The cost of a cover is its volume and, squared, how far it reaches past the solid on every side. The solid
    is cut by planes, one at a time, and the cheapest cover wins. The two halves of a cut piece share the
    cross-section, so nothing of the piece is lost between them.

    Args:
        pieces: vertices of each convex piece, each shape (k, 3), [m].
        max_capsules: most capsules to use, at least 1.
        min_gain: least share of the cost that each further capsule has to save, in (0, 1).
        tip: a side whose overshoot is to stay small.
    """
    groups = [[hull_points(piece) for piece in pieces]]
    points = np.vstack(groups[0])
    sides = Sides(points, tip)
    capsules = [fit_points(points, sides)]
    cost = _Cost(points, capsules[0].radius, sides)
    covers = [(cost(capsules), capsules)]
    while len(groups) < max_capsules:
        cuts = []
        for i, group in enumerate(groups):
            rest = capsules[:i] + capsules[i + 1 :]
            halves = _best_cut(group, capsules[i], rest, cost)
            if halves is None:
                continue
            pair = [fit_points(np.vstack(half), sides) for half in halves]
            cuts.append((cost(rest + pair), i, halves, pair))
        if not cuts:
            break
        _, i, halves, pair = min(cuts, key=lambda cut: cut[0])
        groups = groups[:i] + [[hull_points(piece) for piece in half] for half in halves] + groups[i + 1 :]
        capsules = capsules[:i] + pair + capsules[i + 1 :]
        covers.append((cost(capsules) / (1.0 - min_gain) ** len(covers), capsules))
    return min(covers, key=lambda cover: cover[0])[1]


class _Cost:
    """Volume of a union of capsules, by counting on a grid, plus the cost of what it overshoots."""

    def __init__(self, points: FloatArray, pad: float, sides: Sides) -> None:
        self.sides = sides
        low, high = points.min(axis=0) - pad, points.max(axis=0) + pad
        ticks = (np.arange(_GRID) + 0.5) / _GRID
        grid = np.stack(np.meshgrid(ticks, ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 3)
        self._samples = low + grid * (high - low)
        self._cell = float(np.prod((high - low) / _GRID))

    def __call__(self, capsules: Sequence[Capsule]) -> float:
        inside = np.zeros(len(self._samples), dtype=np.bool_)
        over = np.zeros(len(self.sides.reach))
        for capsule in capsules:
            _mark(self._samples, capsule.a, capsule.b, capsule.radius, inside)
            ends = np.stack([capsule.a, capsule.b]) @ self.sides.direction.T
            over = np.maximum(over, ends.max(axis=0) + capsule.radius - self.sides.reach)
        return float(inside.sum()) * self._cell + float(self.sides.weight @ over**2)


def _best_cut(
    group: list[FloatArray], capsule: Capsule, rest: list[Capsule], cost: _Cost
) -> tuple[list[FloatArray], list[FloatArray]] | None:
    """The cut in two whose cover costs least; None if the group is a point."""
    points = np.vstack(group)
    edges = [_edges(piece) for piece in group]
    least, best = math.inf, None
    for normal in _frame(capsule, points):
        low, high = float((points @ normal).min()), float((points @ normal).max())
        for share in np.linspace(0.14, 0.86, 7):
            halves = _cut(group, edges, normal, low + share * (high - low))
            if not all(halves):
                continue
            found = cost(rest + [fit_points(np.vstack(half), cost.sides, _SCREEN) for half in halves])
            if found < least:
                least, best = found, halves
    return best


def _frame(capsule: Capsule, points: FloatArray) -> list[FloatArray]:
    """The capsule's axis, and the two directions across it in which the points spread most and least."""
    axis = capsule.b - capsule.a
    length = float(np.linalg.norm(axis))
    principal = principal_directions(points)
    if length < 1e-9:
        return list(principal)
    axis = axis / length
    widest = max((direction - (direction @ axis) * axis for direction in principal), key=np.linalg.norm)
    widest = widest / np.linalg.norm(widest)
    return [axis, widest, np.cross(axis, widest)]


def _cut(
    group: list[FloatArray], edges: list[NDArray[np.intp]], normal: FloatArray, level: float
) -> tuple[list[FloatArray], list[FloatArray]]:
    below: list[FloatArray] = []
    above: list[FloatArray] = []
    for piece, edge in zip(group, edges, strict=True):
        height = piece @ normal - level
        if height.max() <= 0.0:
            below.append(piece)
        elif height.min() >= 0.0:
            above.append(piece)
        else:
            start, end = height[edge[:, 0]], height[edge[:, 1]]
            crossing = edge[start * end < 0.0]
            share = (height[crossing[:, 0]] / (height[crossing[:, 0]] - height[crossing[:, 1]]))[:, None]
            section = (1.0 - share) * piece[crossing[:, 0]] + share * piece[crossing[:, 1]]
            below.append(np.vstack([piece[height <= 0.0], section]))
            above.append(np.vstack([piece[height >= 0.0], section]))
    return below, above


def _edges(points: FloatArray) -> NDArray[np.intp]:
    """Pairs of indices that hold at least every edge of the hull, shape (k, 2)."""
    try:
        triangles = ConvexHull(points).simplices
    except (QhullError, ValueError):
        return np.stack(np.triu_indices(len(points), 1), axis=1)
    pairs = np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


@kernel
def _mark(
    samples: FloatArray, a: FloatArray, b: FloatArray, radius: float, inside: NDArray[np.bool_]
) -> None:
    """Set `inside` for the samples that lie in a capsule."""
    ux = b[0] - a[0]
    uy = b[1] - a[1]
    uz = b[2] - a[2]
    square = ux * ux + uy * uy + uz * uz
    inverse = 1.0 / square if square > 0.0 else 0.0
    for i in range(samples.shape[0]):
        x = samples[i, 0] - a[0]
        y = samples[i, 1] - a[1]
        z = samples[i, 2] - a[2]
        t = min(max((x * ux + y * uy + z * uz) * inverse, 0.0), 1.0)
        x -= t * ux
        y -= t * uy
        z -= t * uz
        if x * x + y * y + z * z <= radius * radius:
            inside[i] = True
