"""Distance from a capsule's axis to one part of the surroundings, whatever its shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interlock.guards.box_distance import segment_box_scalars
from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment_scalars
from interlock.hal.arrays import FloatArray

__all__ = ["environment_distance"]


@kernel
def environment_distance(
    cap_a: FloatArray,
    cap_b: FloatArray,
    c: int,
    e: int,
    is_box: NDArray[np.bool_],
    box_rot: FloatArray,
    box_pos: FloatArray,
    half: FloatArray,
    obs_a: FloatArray,
    obs_b: FloatArray,
) -> tuple[float, float, float, float, float, float, float]:
    """Distance from the axis of capsule `c` to the bare part `e`, and the closest points on both."""
    if is_box[e]:
        return segment_box_scalars(
            cap_a[c, 0],
            cap_a[c, 1],
            cap_a[c, 2],
            cap_b[c, 0],
            cap_b[c, 1],
            cap_b[c, 2],
            e,
            box_rot,
            box_pos,
            half,
        )
    return segment_segment_scalars(
        cap_a[c, 0], cap_a[c, 1], cap_a[c, 2], cap_b[c, 0], cap_b[c, 1], cap_b[c, 2],
        obs_a[e, 0], obs_a[e, 1], obs_a[e, 2], obs_b[e, 0], obs_b[e, 1], obs_b[e, 2],
    )  # fmt: skip
