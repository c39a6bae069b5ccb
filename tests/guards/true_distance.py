"""The distance of a segment and the hull of points with more digits than the kernels have, by trying all."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

Array = NDArray[np.float64]


def to_box(a: Array, b: Array, lower: Array, upper: Array) -> float:
    """Of segment ab and an axis-aligned box, in rational numbers, rounded once at the end."""
    one = [Fraction(float(x)) for x in a]
    way = [Fraction(float(y)) - x for x, y in zip(one, b, strict=True)]
    low, high = ([Fraction(float(x)) for x in corner] for corner in (lower, upper))

    def out(t: Fraction) -> list[Fraction]:
        point = [x + t * u for x, u in zip(one, way, strict=True)]
        return [min(max(x, lo), hi) - x for x, lo, hi in zip(point, low, high, strict=True)]

    turns = {Fraction(0), Fraction(1)}
    for x, u, lo, hi in zip(one, way, low, high, strict=True):
        if u:
            turns |= {t for t in ((lo - x) / u, (hi - x) / u) if 0 < t < 1}
    shares = sorted(turns)
    for start, end in pairwise(shares):  # a parabola between two turns
        middle = (start + end) / 2
        far = out(middle)
        bent = sum(u * u for u, gap in zip(way, far, strict=True) if gap)
        if bent:
            turns.add(min(max(middle + sum(u * g for u, g in zip(way, far, strict=True)) / bent, start), end))
    return float(min(sum(gap * gap for gap in out(t)) for t in turns)) ** 0.5


def to_hull(a: Array, b: Array, vertices: Array) -> float:
    """Of segment ab and the hull of `vertices`; 0 where they meet."""
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2.0
    near = vertices.astype(np.longdouble) - middle
    one, other = (np.asarray(p, dtype=np.longdouble) - middle for p in (a, b))
    triangles = near[ConvexHull(near.astype(np.float64)).simplices]
    inside = near.mean(axis=0)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals /= np.sqrt((normals**2).sum(axis=1))[:, None]
    normals *= np.where(((triangles[:, 0] - inside) * normals).sum(axis=1) < 0.0, -1, 1)[:, None]
    start, end = (((p - triangles[:, 0]) * normals).sum(axis=1) for p in (one, other))
    if _meets(start, end):
        return 0.0
    found = [_to_triangles(p, triangles, normals) for p in (one, other)]
    found += [_to_segments(one, other, triangles[:, k], triangles[:, (k + 1) % 3]) for k in range(3)]
    return float(min(found))


def _meets(start: NDArray[np.longdouble], end: NDArray[np.longdouble]) -> bool:
    enter, leave = np.longdouble(0.0), np.longdouble(1.0)
    for s, e in zip(start, end, strict=True):
        if s > 0.0 and e > 0.0:
            return False
        if s > 0.0:
            enter = max(enter, s / (s - e))
        elif e > 0.0:
            leave = min(leave, s / (s - e))
    return bool(enter <= leave)


def _to_triangles(
    p: NDArray[np.longdouble], triangles: NDArray[np.longdouble], normals: NDArray[np.longdouble]
) -> np.longdouble:
    height = ((p - triangles[:, 0]) * normals).sum(axis=1)
    foot = p - height[:, None] * normals
    sides = [
        (np.cross(triangles[:, (k + 1) % 3] - triangles[:, k], foot - triangles[:, k]) * normals).sum(axis=1)
        for k in range(3)
    ]
    over = (np.min(sides, axis=0) >= 0.0) | (np.max(sides, axis=0) <= 0.0)
    return np.abs(np.where(over, height, np.inf)).min()


def _to_segments(
    a: NDArray[np.longdouble],
    b: NDArray[np.longdouble],
    c: NDArray[np.longdouble],
    d: NDArray[np.longdouble],
) -> np.longdouble:
    """Least distance of ab to many segments cd: each end against the other, and both lines."""
    u, v = np.broadcast_to(b - a, c.shape), d - c
    found = [_between(p, c, v) for p in (a, b)]
    found += [_between(p, np.broadcast_to(a, c.shape), u) for p in (c, d)]
    across = np.cross(u, v)
    square = (across**2).sum(axis=1)
    safe = np.where(square > 0.0, square, 1.0)
    s = (np.cross(c - a, v) * across).sum(axis=1) / safe
    t = (np.cross(c - a, u) * across).sum(axis=1) / safe
    both = (square > 0.0) & (s > 0.0) & (s < 1.0) & (t > 0.0) & (t < 1.0)
    gap = a + s[:, None] * u - c - t[:, None] * v
    lines = np.where(both, np.sqrt((gap**2).sum(axis=1)), np.inf)
    return min(*(one.min() for one in found), lines.min())


def _between(
    p: NDArray[np.longdouble], c: NDArray[np.longdouble], v: NDArray[np.longdouble]
) -> NDArray[np.longdouble]:
    square = (v**2).sum(axis=1)
    share = np.clip(((p - c) * v).sum(axis=1) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)
    return np.sqrt(((c + share[:, None] * v - p) ** 2).sum(axis=1))
