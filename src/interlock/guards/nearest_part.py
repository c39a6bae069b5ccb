"""Where a capsule's axis is nearest to a part of the surroundings, and the way out, for the projector.

The verifier asks `part_distance`; whatever the shape, neither uses anything of the other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.box_nearest import box_way_out, nearest_on_box
from interlock.guards.compile import kernel
from interlock.guards.hull_nearest import nearest_on_hull
from interlock.guards.part_kind import BOX, HALF_SPACE, HULL, SEGMENT
from interlock.guards.segment_nearest import nearest_on_segments
from interlock.hal.arrays import FloatArray

__all__ = ["nearest_to_part", "way_out"]


@kernel
def nearest_to_part(
    cap_a: FloatArray,
    cap_b: FloatArray,
    c: int,
    e: int,
    kind: NDArray[np.int8],
    rot: FloatArray,
    pos: FloatArray,
    half: FloatArray,
    obs_a: FloatArray,
    obs_b: FloatArray,
    span: NDArray[np.int64],
    corners: FloatArray,
    out_point: FloatArray,
    out_other: FloatArray,
) -> float:
    """Distance from the axis of capsule `c` to the bare part `e`, [m]; writes the closest points on both.

    It is 0 where the axis meets a segment, box or hull, and negative where it dips below a half-space.
    """
    if kind[e] == HULL:
        return nearest_on_hull(
            cap_a[c], cap_b[c], rot[e], pos[e], span[e, 4], span[e, 5], corners, out_point, out_other
        )
    if kind[e] == HALF_SPACE:
        return _nearest_to_plane(cap_a[c], cap_b[c], rot[e], pos[e], out_point, out_other)
    if kind[e] == BOX:
        return nearest_on_box(cap_a, cap_b, c, rot, pos, half, e, out_point, out_other)
    if kind[e] == SEGMENT:
        return nearest_on_segments(cap_a, cap_b, c, obs_a, obs_b, e, out_point, out_other)
    out_point[:] = math.nan
    out_other[:] = math.nan
    return math.nan


@kernel
def _nearest_to_plane(
    a: FloatArray,
    b: FloatArray,
    rot: FloatArray,
    pos: FloatArray,
    out_point: FloatArray,
    out_other: FloatArray,
) -> float:
    """Least height of a segment above the plane at right angles to the third axis of `rot`, [m]."""
    offset = rot[0, 2] * pos[0] + rot[1, 2] * pos[1] + rot[2, 2] * pos[2]
    drop = rot[0, 2] * (b[0] - a[0]) + rot[1, 2] * (b[1] - a[1]) + rot[2, 2] * (b[2] - a[2])
    height = rot[0, 2] * a[0] + rot[1, 2] * a[1] + rot[2, 2] * a[2] - offset + min(drop, 0.0)
    for r in range(3):
        out_point[r] = b[r] if drop < 0.0 else a[r]
        out_other[r] = out_point[r] - height * rot[r, 2]
    return height if math.isfinite(drop) else math.nan


@kernel
def way_out(
    point: FloatArray,
    e: int,
    kind: NDArray[np.int8],
    rot: FloatArray,
    pos: FloatArray,
    half: FloatArray,
    span: NDArray[np.int64],
    facets: FloatArray,
    out_normal: FloatArray,
) -> None:
    """Write the outward normal of the face of part `e` nearest to a point inside; a segment has none."""
    if kind[e] == BOX:
        box_way_out(point, rot, pos, half, e, out_normal)
    elif kind[e] == HALF_SPACE:
        for r in range(3):
            out_normal[r] = rot[e, r, 2]
    elif kind[e] == HULL:
        highest = -math.inf
        face = span[e, 0]
        for k in range(span[e, 0], span[e, 1]):
            height = -facets[k, 3]
            for i in range(3):
                for r in range(3):
                    height += facets[k, i] * rot[e, r, i] * (point[r] - pos[e, r])
            if height > highest:
                highest = height
                face = k
        for r in range(3):
            out_normal[r] = 0.0
            for i in range(3):
                out_normal[r] += rot[e, r, i] * facets[face, i]
