"""Exact distances between segments and solid boxes, as kernels, for the verifier.

The projector asks `box_nearest`, which knows ends, edges and faces; neither uses anything of the other. See
`distance` for what all kernels of distances share.
"""

from __future__ import annotations

import math

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["segment_box", "segment_box_local", "segment_box_scalars"]

_LARGEST = 1e30  # beyond this a coordinate [m] is no coordinate

_Closest = tuple[float, float, float, float, float, float, float]


@kernel
def _beyond(x: float, half: float) -> float:
    """How far x lies outside [-half, half], with its sign."""
    return max(x - half, 0.0) + min(x + half, 0.0)


@kernel
def _slope(
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
    """Half the derivative of the squared distance from p + t u to the box of half extents h."""
    return ux * _beyond(px + t * ux, hx) + uy * _beyond(py + t * uy, hy) + uz * _beyond(pz + t * uz, hz)


@kernel
def segment_box_local(
    px: float,
    py: float,
    pz: float,
    qx: float,
    qy: float,
    qz: float,
    hx: float,
    hy: float,
    hz: float,
) -> tuple[float, float]:
    """Distance of segment pq to the box [-h, h] in the box's frame: (distance, t), p + t (q - p) is closest.

    The squared distance is convex in t and its slope is piecewise linear, with at most six kinks where a
    coordinate enters or leaves its slab. The kinks narrow the bracket of the slope's root to one linear
    piece.
    """
    total = abs(px) + abs(py) + abs(pz) + abs(qx) + abs(qy) + abs(qz) + abs(hx) + abs(hy) + abs(hz)
    if not total < _LARGEST:
        return math.nan, math.nan
    ux = qx - px
    uy = qy - py
    uz = qz - pz
    lo = 0.0
    hi = 1.0
    t = 0.0
    g_lo = _slope(lo, px, py, pz, ux, uy, uz, hx, hy, hz)
    g_hi = _slope(hi, px, py, pz, ux, uy, uz, hx, hy, hz)
    if g_lo >= 0.0:
        t = 0.0
    elif g_hi <= 0.0:
        t = 1.0
    else:
        for axis in range(3):
            if axis == 0:
                p = px
                u = ux
                h = hx
            elif axis == 1:
                p = py
                u = uy
                h = hy
            else:
                p = pz
                u = uz
                h = hz
            if abs(u) > 1e-150:
                inv = 1.0 / u
                kink = (-h - p) * inv
                if lo < kink < hi:
                    g = _slope(kink, px, py, pz, ux, uy, uz, hx, hy, hz)
                    if g < 0.0:
                        lo = kink
                        g_lo = g
                    else:
                        hi = kink
                        g_hi = g
                kink = (h - p) * inv
                if lo < kink < hi:
                    g = _slope(kink, px, py, pz, ux, uy, uz, hx, hy, hz)
                    if g < 0.0:
                        lo = kink
                        g_lo = g
                    else:
                        hi = kink
                        g_hi = g
        t = lo + (hi - lo) * (g_lo / (g_lo - g_hi))
    ex = _beyond(px + t * ux, hx)
    ey = _beyond(py + t * uy, hy)
    ez = _beyond(pz + t * uz, hz)
    return math.sqrt(ex * ex + ey * ey + ez * ez), t


@kernel
def _segment_box(
    ax: float,
    ay: float,
    az: float,
    bx: float,
    by: float,
    bz: float,
    cx: float,
    cy: float,
    cz: float,
    hx: float,
    hy: float,
    hz: float,
    r00: float,
    r01: float,
    r02: float,
    r10: float,
    r11: float,
    r12: float,
    r20: float,
    r21: float,
    r22: float,
) -> _Closest:
    x = ax - cx
    y = ay - cy
    z = az - cz
    px = r00 * x + r10 * y + r20 * z
    py = r01 * x + r11 * y + r21 * z
    pz = r02 * x + r12 * y + r22 * z
    x = bx - cx
    y = by - cy
    z = bz - cz
    qx = r00 * x + r10 * y + r20 * z
    qy = r01 * x + r11 * y + r21 * z
    qz = r02 * x + r12 * y + r22 * z
    distance, t = segment_box_local(px, py, pz, qx, qy, qz, hx, hy, hz)
    x = px + t * (qx - px)
    y = py + t * (qy - py)
    z = pz + t * (qz - pz)
    x -= _beyond(x, hx)
    y -= _beyond(y, hy)
    z -= _beyond(z, hz)
    return (
        distance,
        ax + t * (bx - ax),
        ay + t * (by - ay),
        az + t * (bz - az),
        cx + r00 * x + r01 * y + r02 * z,
        cy + r10 * x + r11 * y + r12 * z,
        cz + r20 * x + r21 * y + r22 * z,
    )


@kernel
def segment_box_scalars(
    ax: float,
    ay: float,
    az: float,
    bx: float,
    by: float,
    bz: float,
    k: int,
    box_rot: FloatArray,
    box_pos: FloatArray,
    half: FloatArray,
) -> _Closest:
    """Distance of segment ab and the k-th box: (distance, point on ab, point of the box), seven numbers.

    Args:
        ax: first end of the segment, x.
        ay: first end of the segment, y.
        az: first end of the segment, z.
        bx: second end of the segment, x.
        by: second end of the segment, y.
        bz: second end of the segment, z.
        k: which box.
        box_rot: rotations box-in-world, shape (boxes, 3, 3).
        box_pos: centres in the world, shape (boxes, 3).
        half: half extents, shape (boxes, 3).
    """
    return _segment_box(
        ax,
        ay,
        az,
        bx,
        by,
        bz,
        box_pos[k, 0],
        box_pos[k, 1],
        box_pos[k, 2],
        half[k, 0],
        half[k, 1],
        half[k, 2],
        box_rot[k, 0, 0],
        box_rot[k, 0, 1],
        box_rot[k, 0, 2],
        box_rot[k, 1, 0],
        box_rot[k, 1, 1],
        box_rot[k, 1, 2],
        box_rot[k, 2, 0],
        box_rot[k, 2, 1],
        box_rot[k, 2, 2],
    )


@kernel
def segment_box(
    a: FloatArray,
    b: FloatArray,
    box_rot: FloatArray,
    box_pos: FloatArray,
    half: FloatArray,
    out_pa: FloatArray,
    out_pb: FloatArray,
) -> float:
    """Distance of a segment and an oriented solid box, [m]; 0 where they meet, and the points are then one.

    Args:
        a: first end of the segment, shape (3,).
        b: second end of the segment, shape (3,).
        box_rot: rotation box-in-world, shape (3, 3).
        box_pos: centre of the box in the world, shape (3,).
        half: half extents, shape (3,).
        out_pa: closest point on the segment, shape (3,), written.
        out_pb: closest point of the box, shape (3,), written.
    """
    d, out_pa[0], out_pa[1], out_pa[2], out_pb[0], out_pb[1], out_pb[2] = _segment_box(
        a[0],
        a[1],
        a[2],
        b[0],
        b[1],
        b[2],
        box_pos[0],
        box_pos[1],
        box_pos[2],
        half[0],
        half[1],
        half[2],
        box_rot[0, 0],
        box_rot[0, 1],
        box_rot[0, 2],
        box_rot[1, 0],
        box_rot[1, 1],
        box_rot[1, 2],
        box_rot[2, 0],
        box_rot[2, 1],
        box_rot[2, 2],
    )
    return d
