"""Exact distances between two segments, as kernels, for the verifier; those to boxes are in `box_distance`.

A capsule is a segment swept by a ball: subtract the radii from the distance of the segments. Every kernel
gives NaN, and NaN points, as soon as one input is not finite. The `*_scalars` forms take and give scalars,
which saves the caller the views of array rows; the others are the same with arrays. Lengths are in [m],
frames are the world's unless a name says otherwise. The projector asks `segment_nearest`; neither uses
anything of the other.
"""

from __future__ import annotations

import math

from interlock.guards.box_distance import segment_box, segment_box_local, segment_box_scalars
from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = [
    "segment_box",
    "segment_box_local",
    "segment_box_scalars",
    "segment_segment",
    "segment_segment_scalars",
]

_LARGEST = 1e30  # beyond this a coordinate [m] is no coordinate
_POINT = 1e-30  # a squared length below this is a point's, [m^2]

_Closest = tuple[float, float, float, float, float, float, float]


@kernel
def segment_segment_scalars(
    ax: float,
    ay: float,
    az: float,
    bx: float,
    by: float,
    bz: float,
    cx: float,
    cy: float,
    cz: float,
    dx: float,
    dy: float,
    dz: float,
) -> _Closest:
    """Distance of segment ab and segment cd: (distance, point on ab, point on cd), seven numbers.

    The least distance lies at an end point of one segment or at the common perpendicular inside both; all
    five candidates are tried, so that parallel, touching and point-like segments need no special case.
    """
    total = abs(ax) + abs(ay) + abs(az) + abs(bx) + abs(by) + abs(bz)
    total += abs(cx) + abs(cy) + abs(cz) + abs(dx) + abs(dy) + abs(dz)
    if not total < _LARGEST:
        return math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan
    ux = bx - ax
    uy = by - ay
    uz = bz - az
    vx = dx - cx
    vy = dy - cy
    vz = dz - cz
    rx = cx - ax
    ry = cy - ay
    rz = cz - az
    uu = ux * ux + uy * uy + uz * uz
    vv = vx * vx + vy * vy + vz * vz
    uv = ux * vx + uy * vy + uz * vz
    ur = ux * rx + uy * ry + uz * rz
    vr = vx * rx + vy * ry + vz * rz
    inv_u = 1.0 / uu if uu > _POINT else 0.0
    inv_v = 1.0 / vv if vv > _POINT else 0.0

    # end points of cd against ab, then end points of ab against cd
    s = min(max(ur * inv_u, 0.0), 1.0)
    t = 0.0
    best = (rx - s * ux) ** 2 + (ry - s * uy) ** 2 + (rz - s * uz) ** 2
    s1 = min(max((ur + uv) * inv_u, 0.0), 1.0)
    d1 = (rx + vx - s1 * ux) ** 2 + (ry + vy - s1 * uy) ** 2 + (rz + vz - s1 * uz) ** 2
    if d1 < best:
        best = d1
        s = s1
        t = 1.0
    t2 = min(max(-vr * inv_v, 0.0), 1.0)
    d2 = (rx + t2 * vx) ** 2 + (ry + t2 * vy) ** 2 + (rz + t2 * vz) ** 2
    if d2 < best:
        best = d2
        s = 0.0
        t = t2
    t3 = min(max((uv - vr) * inv_v, 0.0), 1.0)
    d3 = (rx + t3 * vx - ux) ** 2 + (ry + t3 * vy - uy) ** 2 + (rz + t3 * vz - uz) ** 2
    if d3 < best:
        best = d3
        s = 1.0
        t = t3

    # common perpendicular; the cross product keeps the small angle that uu*vv - uv*uv would lose
    nx = uy * vz - uz * vy
    ny = uz * vx - ux * vz
    nz = ux * vy - uy * vx
    nn = nx * nx + ny * ny + nz * nz
    if nn > 0.0:
        s4 = ((ry * vz - rz * vy) * nx + (rz * vx - rx * vz) * ny + (rx * vy - ry * vx) * nz) / nn
        s4 = min(max(s4, 0.0), 1.0)
        t4 = min(max((s4 * uv - vr) * inv_v, 0.0), 1.0)
        s4 = min(max((ur + t4 * uv) * inv_u, 0.0), 1.0)
        d4 = (rx + t4 * vx - s4 * ux) ** 2 + (ry + t4 * vy - s4 * uy) ** 2 + (rz + t4 * vz - s4 * uz) ** 2
        if d4 < best:
            best = d4
            s = s4
            t = t4
    return (
        math.sqrt(best),
        ax + s * ux,
        ay + s * uy,
        az + s * uz,
        cx + t * vx,
        cy + t * vy,
        cz + t * vz,
    )


@kernel
def segment_segment(
    a0: FloatArray, a1: FloatArray, b0: FloatArray, b1: FloatArray, out_pa: FloatArray, out_pb: FloatArray
) -> float:
    """Distance of two segments, [m]; a point is a segment of length 0.

    Args:
        a0: first end of the first segment, shape (3,).
        a1: second end of the first segment, shape (3,).
        b0: first end of the second segment, shape (3,).
        b1: second end of the second segment, shape (3,).
        out_pa: closest point on the first segment, shape (3,), written.
        out_pb: closest point on the second segment, shape (3,), written.
    """
    d, out_pa[0], out_pa[1], out_pa[2], out_pb[0], out_pb[1], out_pb[2] = segment_segment_scalars(
        a0[0], a0[1], a0[2], a1[0], a1[1], a1[2], b0[0], b0[1], b0[2], b1[0], b1[1], b1[2]
    )
    return d
