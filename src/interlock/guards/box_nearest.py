"""Where a segment and a solid box are nearest, by the box's features, as kernels, for the projector.

Where the six slabs' faces leave nothing of the segment, it is outside, and nearest at one of its ends or
beside an edge of the box. Looked at along an edge, the box is a rectangle and the segment passes it on one
side: of the four parallel edges only the corner on that side can be nearest to its inside. So five places are
left, of which the nearest is taken. The verifier asks `box_distance`, which searches the slope of the squared
distance for its root; neither uses anything of the other.
"""

from __future__ import annotations

import math

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["box_way_out", "nearest_on_box"]

_LARGEST = 1e30  # beyond this a coordinate [m] is no coordinate


@kernel
def _enters(p: float, u: float, h: float) -> float:
    """The t from which on p + t u is in the slab [-h, h]; infinite where that does not depend on t."""
    if u == 0.0:
        return -math.inf if abs(p) <= h else math.inf
    return (-h - p) / u if u > 0.0 else (h - p) / u


@kernel
def _leaves(p: float, u: float, h: float) -> float:
    """The t up to which p + t u is in the slab [-h, h], see `_enters`."""
    return -_enters(p, -u, h)


@kernel
def _beside_edge(
    pi: float,
    ui: float,
    hi: float,
    pj: float,
    uj: float,
    hj: float,
    pk: float,
    uk: float,
    hk: float,
) -> float:
    """The t in [0, 1] where p + t u is nearest to the edge along i on the side on which it passes the box.

    Where the segment runs along a face, both corners are on that side; the one that it runs towards is taken.
    """
    across = uj * uj + uk * uk
    if not across > 0.0:
        return 0.0
    side = uj * pk - uk * pj
    cj = math.copysign(hj, -side * uk if side * uk != 0.0 else uj) - pj
    ck = math.copysign(hk, side * uj if side * uj != 0.0 else uk) - pk
    t = min(max((cj * uj + ck * uk) / across, 0.0), 1.0)
    height = pi + t * ui
    if abs(height) <= hi:
        return t
    ci = math.copysign(hi, height) - pi  # past the edge's end: that corner of the box
    return min(max((ci * ui + cj * uj + ck * uk) / (across + ui * ui), 0.0), 1.0)


@kernel
def _square(
    t: float,
    px: float,
    py: float,
    pz: float,
    ux: float,
    uy: float,
    uz: float,
    hx: float,
    hy: float,
    hz: float,
) -> float:
    """Squared distance of p + t u to the box [-h, h], [m^2]."""
    x = max(abs(px + t * ux) - hx, 0.0)
    y = max(abs(py + t * uy) - hy, 0.0)
    z = max(abs(pz + t * uz) - hz, 0.0)
    return x * x + y * y + z * z


@kernel
def nearest_on_box(
    seg_a: FloatArray,
    seg_b: FloatArray,
    c: int,
    rot: FloatArray,
    pos: FloatArray,
    half: FloatArray,
    e: int,
    out_point: FloatArray,
    out_other: FloatArray,
) -> float:
    """Distance of a segment and a box, [m]; NaN, points included, as soon as one number is not finite.

    Where they meet it is 0 and the points are one: an end that is inside, else where the segment enters.

    Args:
        seg_a: where the segments start in the world, shape (k, 3), [m].
        seg_b: where they end, shape (k, 3), [m].
        c: which of them.
        rot: rotations box-in-world, shape (boxes, 3, 3).
        pos: centres in the world, shape (boxes, 3), [m].
        half: half extents, shape (boxes, 3), [m].
        e: which box.
        out_point: closest point on the segment, shape (3,), written, [m].
        out_other: closest point of the box, shape (3,), written, [m].
    """
    x = seg_a[c, 0] - pos[e, 0]
    y = seg_a[c, 1] - pos[e, 1]
    z = seg_a[c, 2] - pos[e, 2]
    px = rot[e, 0, 0] * x + rot[e, 1, 0] * y + rot[e, 2, 0] * z
    py = rot[e, 0, 1] * x + rot[e, 1, 1] * y + rot[e, 2, 1] * z
    pz = rot[e, 0, 2] * x + rot[e, 1, 2] * y + rot[e, 2, 2] * z
    x = seg_b[c, 0] - seg_a[c, 0]
    y = seg_b[c, 1] - seg_a[c, 1]
    z = seg_b[c, 2] - seg_a[c, 2]
    ux = rot[e, 0, 0] * x + rot[e, 1, 0] * y + rot[e, 2, 0] * z
    uy = rot[e, 0, 1] * x + rot[e, 1, 1] * y + rot[e, 2, 1] * z
    uz = rot[e, 0, 2] * x + rot[e, 1, 2] * y + rot[e, 2, 2] * z
    hx = half[e, 0]
    hy = half[e, 1]
    hz = half[e, 2]
    size = abs(px) + abs(py) + abs(pz) + abs(ux) + abs(uy) + abs(uz) + abs(hx) + abs(hy) + abs(hz)
    if not size < _LARGEST:
        out_point[:] = math.nan
        out_other[:] = math.nan
        return math.nan
    first = max(0.0, _enters(px, ux, hx), _enters(py, uy, hy), _enters(pz, uz, hz))
    last = min(1.0, _leaves(px, ux, hx), _leaves(py, uy, hy), _leaves(pz, uz, hz))
    if first <= last:
        t = 1.0 if first > 0.0 and last == 1.0 else first
        for r in range(3):
            out_point[r] = seg_a[c, r] + t * (seg_b[c, r] - seg_a[c, r])
            out_other[r] = out_point[r]
        return 0.0
    t = 0.0
    least = _square(t, px, py, pz, ux, uy, uz, hx, hy, hz)
    for k in range(4):
        if k == 0:
            place = 1.0
        elif k == 1:
            place = _beside_edge(px, ux, hx, py, uy, hy, pz, uz, hz)
        elif k == 2:
            place = _beside_edge(py, uy, hy, pz, uz, hz, px, ux, hx)
        else:
            place = _beside_edge(pz, uz, hz, px, ux, hx, py, uy, hy)
        square = _square(place, px, py, pz, ux, uy, uz, hx, hy, hz)
        if square < least:
            least = square
            t = place
    x = min(max(px + t * ux, -hx), hx)
    y = min(max(py + t * uy, -hy), hy)
    z = min(max(pz + t * uz, -hz), hz)
    for r in range(3):
        out_point[r] = seg_a[c, r] + t * (seg_b[c, r] - seg_a[c, r])
        out_other[r] = pos[e, r] + rot[e, r, 0] * x + rot[e, r, 1] * y + rot[e, r, 2] * z
    return math.sqrt(least)


@kernel
def box_way_out(
    point: FloatArray, rot: FloatArray, pos: FloatArray, half: FloatArray, e: int, out_normal: FloatArray
) -> float:
    """Height of a point above the face of box `e` that it is highest above, [m]; writes that face's normal.

    Args:
        point: the point in the world, shape (3,), [m]; inside, its height is negative.
        rot: see `nearest_on_box`.
        pos: see `nearest_on_box`.
        half: see `nearest_on_box`.
        e: which box.
        out_normal: outward unit normal in the world, shape (3,), written.
    """
    highest = -math.inf
    total = 0.0
    for i in range(3):
        along = 0.0
        for r in range(3):
            along += rot[e, r, i] * (point[r] - pos[e, r])
        total += abs(along) + abs(half[e, i])
        for side in (1.0, -1.0):
            height = side * along - half[e, i]
            if height > highest:
                highest = height
                for r in range(3):
                    out_normal[r] = side * rot[e, r, i]
    if not total < _LARGEST:
        out_normal[:] = math.nan
        return math.nan
    return highest
