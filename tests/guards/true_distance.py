"""The distance of a segment and the hull of points with more digits than the kernels have, by trying all."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
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
    """Of segment ab and the hull of `vertices`; 0 where they meet.

    By faces, as far as these are to be trusted: where vertices nearly coincide, the normal of a sliver may
    point anywhere. What comes out is never more than two points that were found are apart, and never less
    than a plane between both shows.
    """
    least, most = shown(a, b, vertices)
    return min(max(_by_faces(a, b, vertices), least), most)


def shown(a: Array, b: Array, vertices: Array) -> tuple[float, float]:
    """Bounds of the same distance without any face: what a plane shows, and what two points are apart.

    The hull of all differences of a vertex and an end has its point nearest to 0 where nonnegative least
    squares, |sum l_i d_i|^2 + (sum l_i - 1)^2, has it after l is made to sum to 1. However well that is
    solved, l is nonnegative, so the point is one of the hull, and the plane at right angles to it is a plane.
    """
    ends = [np.asarray(p, dtype=np.longdouble) for p in (a, b)]
    differences = np.concatenate([vertices.astype(np.longdouble) - end for end in ends])
    scale = np.abs(differences).max()
    rows = np.vstack([(differences / scale).T.astype(np.float64), np.ones(len(differences))])
    try:
        shares = nnls(rows, np.array([0.0, 0.0, 0.0, 1.0]), maxiter=10_000)[0].astype(np.longdouble)
    except RuntimeError:  # it did not end; then nothing is shown
        return 0.0, np.inf
    nearest = (shares / shares.sum()) @ differences
    most = np.sqrt((nearest**2).sum())
    least = (differences @ (nearest / most)).min() if most > 0.0 else np.longdouble(0.0)
    return max(float(least), 0.0), float(most)


def _by_faces(a: Array, b: Array, vertices: Array) -> float:
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
