"""Distance from a capsule's axis to a part of the surroundings, whatever its shape, for the verifier.

It is 0 where the axis meets a segment, box or hull, and negative where it dips below a half-space. While it
is positive it shrinks by no more than the longest way of a point of the axis: `sweep` rests on nothing else.
The projector asks `nearest_part`; whatever the shape, neither uses anything of the other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.box_distance import segment_box_scalars
from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment_scalars
from interlock.guards.hull_distance import segment_hull
from interlock.guards.part_kind import BOX, HALF_SPACE, HULL
from interlock.hal.arrays import FloatArray

__all__ = ["environment_distance", "part_distance", "solid_distance"]


@kernel
def environment_distance(
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
) -> tuple[float, float, float, float, float, float, float]:
    """Distance from the axis of capsule `c` to the bare box or segment `e`, and the closest points."""
    if kind[e] == BOX:
        return segment_box_scalars(
            cap_a[c, 0],
            cap_a[c, 1],
            cap_a[c, 2],
            cap_b[c, 0],
            cap_b[c, 1],
            cap_b[c, 2],
            e,
            rot,
            pos,
            half,
        )
    return segment_segment_scalars(
        cap_a[c, 0], cap_a[c, 1], cap_a[c, 2], cap_b[c, 0], cap_b[c, 1], cap_b[c, 2],
        obs_a[e, 0], obs_a[e, 1], obs_a[e, 2], obs_b[e, 0], obs_b[e, 1], obs_b[e, 2],
    )  # fmt: skip


@kernel
def solid_distance(
    cap_a: FloatArray,
    cap_b: FloatArray,
    c: int,
    e: int,
    kind: NDArray[np.int8],
    rot: FloatArray,
    pos: FloatArray,
    span: NDArray[np.int64],
    facets: FloatArray,
    edges: FloatArray,
) -> tuple[float, float, float, float, float, float, float]:
    """The same to a hull or a half-space, below which it is negative; NaN to any other kind."""
    if kind[e] == HULL:
        return segment_hull(
            cap_a[c, 0], cap_a[c, 1], cap_a[c, 2], cap_b[c, 0], cap_b[c, 1], cap_b[c, 2],
            e, rot, pos, span[e, 0], span[e, 1], span[e, 2], span[e, 3], facets, edges,
        )  # fmt: skip
    if kind[e] == HALF_SPACE:
        return _above_plane(cap_a, cap_b, c, e, rot, pos)
    return math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan


@kernel
def part_distance(
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
    facets: FloatArray,
    edges: FloatArray,
) -> tuple[float, float, float, float, float, float, float]:
    """Distance from the axis of capsule `c` to the bare part `e`, and the closest points on both."""
    if kind[e] <= BOX:
        return environment_distance(cap_a, cap_b, c, e, kind, rot, pos, half, obs_a, obs_b)
    return solid_distance(cap_a, cap_b, c, e, kind, rot, pos, span, facets, edges)


@kernel
def _above_plane(
    cap_a: FloatArray, cap_b: FloatArray, c: int, e: int, rot: FloatArray, pos: FloatArray
) -> tuple[float, float, float, float, float, float, float]:
    """Height of the lower end of a segment above a half-space, that end, and the point below it."""
    start = 0.0
    end = 0.0
    total = 0.0
    for r in range(3):
        for i in range(3):
            total += rot[e, r, i]
        start += rot[e, r, 2] * (cap_a[c, r] - pos[e, r])
        end += rot[e, r, 2] * (cap_b[c, r] - pos[e, r])
    if not math.isfinite(total + start + end):
        return math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan
    if start <= end:
        low = start
        x = cap_a[c, 0]
        y = cap_a[c, 1]
        z = cap_a[c, 2]
    else:
        low = end
        x = cap_b[c, 0]
        y = cap_b[c, 1]
        z = cap_b[c, 2]
    return low, x, y, z, x - low * rot[e, 0, 2], y - low * rot[e, 1, 2], z - low * rot[e, 2, 2]
