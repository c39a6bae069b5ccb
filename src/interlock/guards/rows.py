"""Linear rows for the projector: how fast each close pair may close."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment_scalars
from interlock.guards.kinematics import capsules_world, forward, point_jacobian
from interlock.guards.nearest_part import nearest_to_part, way_out
from interlock.hal.arrays import FloatArray

__all__ = ["closing_rows"]

_APART_M = 1e-6  # closer than this, the line between the closest points has no direction


@kernel
def closing_rows(
    q: FloatArray,
    joint_parent: NDArray[np.int64],
    joint_rot: FloatArray,
    joint_pos: FloatArray,
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    cap_joint: NDArray[np.int64],
    cap_a: FloatArray,
    cap_b: FloatArray,
    cap_radius: FloatArray,
    tube: FloatArray,
    self_pairs: NDArray[np.int64],
    pair_tube: FloatArray,
    self_margin: float,
    part_kind: NDArray[np.int8],
    part_rot: FloatArray,
    part_pos: FloatArray,
    half: FloatArray,
    obs_a: FloatArray,
    obs_b: FloatArray,
    span: NDArray[np.int64],
    facets: FloatArray,
    corners: FloatArray,
    inflation: FloatArray,
    obs_speed: FloatArray,
    skip: NDArray[np.bool_],
    lever: FloatArray,
    pair_lever: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    horizon_s: float,
    soft_m: float,
    gain: float,
    largest_retreat: float,
    out_rows: FloatArray,
    out_bound: FloatArray,
    out_item: NDArray[np.int64],
) -> int:
    """Write rows G and bounds b with G v >= b, one a pair; a row's rate is that of its distance.

    b = -gain * (distance - required - soft), a velocity damper (Faverjon and Tournassoud, ICRA 1987). An
    obstacle that moves by itself is grown by its speed bound over `horizon_s` first. A row that no velocity
    of the box lower <= v <= upper can break is left out: it is implied, and the answer is the same.

    Args:
        q: configuration to linearise at, shape (n,), [rad].
        joint_parent: kinematic tree, see `kinematics`; the arrays of pairs and parts are those of `sweep`.
        joint_rot: see `kinematics`.
        joint_pos: see `kinematics`.
        joint_axis: see `kinematics`.
        joint_prismatic: see `kinematics`.
        cap_joint: see `sweep`.
        cap_a: see `sweep`.
        cap_b: see `sweep`.
        cap_radius: see `sweep`.
        tube: see `sweep`.
        self_pairs: see `sweep`.
        pair_tube: see `sweep`.
        self_margin: see `sweep`.
        part_kind: see `Obstacles`; so are the other arrays of parts.
        part_rot: see `Obstacles`.
        part_pos: see `Obstacles`.
        half: see `Obstacles`.
        obs_a: see `Obstacles`.
        obs_b: see `Obstacles`.
        span: see `Obstacles`.
        facets: see `Obstacles`.
        corners: see `Obstacles`.
        inflation: see `sweep`.
        obs_speed: see `sweep`.
        skip: see `sweep`.
        lever: see `sweep`; no pair closes faster than by its levers.
        pair_lever: see `sweep`.
        lower: least velocity of each joint, shape (n,), [rad/s].
        upper: largest velocity of each joint, shape (n,), [rad/s].
        horizon_s: how far ahead moving obstacles are grown, [s].
        soft_m: comfort kept on top of what is required, [m].
        gain: damper gain, [1/s].
        largest_retreat: bound on how fast a row may ask to open a distance, [m/s].
        out_rows: shape (k, n), k at least the number of pairs, written, [m/rad].
        out_bound: shape (k,), written, [m/s].
        out_item: shape (k,), which pair each row is of, written: capsule * parts + part, and from
            capsules * parts on the index into `self_pairs`.

    Returns:
        How many rows were written.
    """
    n = q.shape[0]
    caps = cap_joint.shape[0]
    parts = part_kind.shape[0]
    rot = np.empty((n, 3, 3))
    pos = np.empty((n, 3))
    world_a = np.empty((caps, 3))
    world_b = np.empty((caps, 3))
    point = np.empty(3)
    other = np.empty(3)
    normal = np.empty(3)
    jacobian = np.empty((3, n))
    fastest = np.empty(n)
    for i in range(n):
        fastest[i] = max(abs(lower[i]), abs(upper[i]))
    forward(q, joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
    capsules_world(rot, pos, cap_joint, cap_a, cap_b, world_a, world_b)
    count = 0
    for c in range(caps):
        if cap_joint[c] < 0:
            continue
        closing = 0.0
        for i in range(n):
            closing += lever[c, i] * fastest[i]
        for e in range(parts):
            if skip[c, e]:
                continue
            apart = nearest_to_part(
                world_a, world_b, c, e, part_kind, part_rot, part_pos, half, obs_a, obs_b, span, corners,
                point, other,
            )  # fmt: skip
            left = apart - cap_radius[c] - inflation[e] - tube[c] - obs_speed[e] * horizon_s - soft_m
            bound = -gain * left
            if -closing >= bound:
                continue
            _direction(point, other, apart, normal)
            if not apart > _APART_M:
                way_out(point, e, part_kind, part_rot, part_pos, half, span, facets, normal)
            row = out_rows[count]
            point_jacobian(rot, pos, point, cap_joint[c], joint_parent, joint_axis, joint_prismatic, jacobian)
            for i in range(n):
                row[i] = normal[0] * jacobian[0, i] + normal[1] * jacobian[1, i] + normal[2] * jacobian[2, i]
            out_bound[count] = min(bound, largest_retreat) if math.isfinite(bound) else math.nan
            out_item[count] = c * parts + e
            if not _implied(row, out_bound[count], lower, upper):
                count += 1
    for k in range(self_pairs.shape[0]):
        c = self_pairs[k, 0]
        d = self_pairs[k, 1]
        found = segment_segment_scalars(
            world_a[c, 0], world_a[c, 1], world_a[c, 2], world_b[c, 0], world_b[c, 1], world_b[c, 2],
            world_a[d, 0], world_a[d, 1], world_a[d, 2], world_b[d, 0], world_b[d, 1], world_b[d, 2],
        )  # fmt: skip
        left = found[0] - cap_radius[c] - cap_radius[d] - pair_tube[k] - self_margin - soft_m
        bound = -gain * left
        closing = 0.0
        for i in range(n):
            closing += pair_lever[k, i] * fastest[i]
        if -closing >= bound:
            continue
        for r in range(3):
            point[r] = found[1 + r]
            other[r] = found[4 + r]
        _direction(point, other, found[0], normal)
        row = out_rows[count]
        point_jacobian(rot, pos, point, cap_joint[c], joint_parent, joint_axis, joint_prismatic, jacobian)
        for i in range(n):
            row[i] = normal[0] * jacobian[0, i] + normal[1] * jacobian[1, i] + normal[2] * jacobian[2, i]
        point_jacobian(rot, pos, other, cap_joint[d], joint_parent, joint_axis, joint_prismatic, jacobian)
        for i in range(n):
            row[i] -= normal[0] * jacobian[0, i] + normal[1] * jacobian[1, i] + normal[2] * jacobian[2, i]
        out_bound[count] = min(bound, largest_retreat) if math.isfinite(bound) else math.nan
        out_item[count] = caps * parts + k
        if not _implied(row, out_bound[count], lower, upper):
            count += 1
    return count


@kernel
def _direction(point: FloatArray, other: FloatArray, length: float, out: FloatArray) -> None:
    """Unit vector from `other` to `point`, upwards if they are too close to tell."""
    for r in range(3):
        out[r] = (point[r] - other[r]) / length if length > _APART_M else 0.0
    if not length > _APART_M:
        out[2] = 1.0


@kernel
def _implied(row: FloatArray, bound: float, lower: FloatArray, upper: FloatArray) -> bool:
    """Whether every velocity of the box keeps the row."""
    least = 0.0
    for i in range(row.shape[0]):
        least += min(row[i] * lower[i], row[i] * upper[i])
    return bool(least >= bound)
