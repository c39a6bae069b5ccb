"""Linear rows for the projector: how fast each close pair may close."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.guards.kinematics import capsules_world, forward, point_jacobian
from interlock.guards.nearest_part import nearest_to_part, way_out
from interlock.guards.part_kind import HALF_SPACE, HULL, SEGMENT
from interlock.guards.segment_nearest import nearest_on_segments
from interlock.hal.arrays import FloatArray

__all__ = ["closing_rows"]

_APART_M = 1e-6  # closer than this, the line between the closest points has no direction
_ROUNDING_M = 1e-6  # more than rounding makes of a distance
_UNRIGID = 1.0001  # more than a pose that still passes as rigid stretches a length
_FAR_M = 1e6  # beyond this nothing is left out by its ball: the exact distance says what is no number


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
    of the box lower <= v <= upper can break is left out: it is implied, and the answer is the same. Balls
    about both sides tell that of most pairs before their distance is computed.

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
    balls = np.empty((parts, 4))
    for i in range(n):
        fastest[i] = max(abs(lower[i]), abs(upper[i]))
    forward(q, joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
    capsules_world(rot, pos, cap_joint, cap_a, cap_b, world_a, world_b)
    for e in range(parts):
        _ball(e, part_kind, part_rot, part_pos, half, obs_a, obs_b, span, corners, balls[e])
        balls[e, 3] += inflation[e] + obs_speed[e] * horizon_s
    count = 0
    for c in range(caps):
        if cap_joint[c] < 0:
            continue
        closing = 0.0
        for i in range(n):
            closing += lever[c, i] * fastest[i]
        here = _closing_here(
            rot, pos, world_a[c], world_b[c], cap_joint[c], joint_parent, joint_axis, joint_prismatic, fastest
        )
        reach = cap_radius[c] + tube[c] + soft_m + min(closing, here) / gain + _ROUNDING_M
        for e in range(parts):
            if skip[c, e] or _far(world_a, world_b, c, balls, e, reach):
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
        closing = 0.0
        for i in range(n):
            closing += pair_lever[k, i] * fastest[i]
        reach = cap_radius[c] + cap_radius[d] + pair_tube[k] + self_margin + soft_m + closing / gain
        if _apart(world_a, world_b, c, d, reach + _ROUNDING_M):
            continue
        apart = nearest_on_segments(world_a, world_b, c, world_a, world_b, d, point, other)
        left = apart - cap_radius[c] - cap_radius[d] - pair_tube[k] - self_margin - soft_m
        bound = -gain * left
        if -closing >= bound:
            continue
        _direction(point, other, apart, normal)
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
def _ball(
    e: int,
    part_kind: NDArray[np.int8],
    part_rot: FloatArray,
    part_pos: FloatArray,
    half: FloatArray,
    obs_a: FloatArray,
    obs_b: FloatArray,
    span: NDArray[np.int64],
    corners: FloatArray,
    out: FloatArray,
) -> None:
    """Write centre and radius of a ball about the bare part `e`; a part without one has radius NaN."""
    kind = part_kind[e]
    size = math.nan if kind == HALF_SPACE else 0.0
    whole = 0.0  # a column of a rotation has length 1; one that is no number makes the whole part so
    for r in range(3):
        column = part_rot[e, 0, r] ** 2 + part_rot[e, 1, r] ** 2 + part_rot[e, 2, r] ** 2
        whole += column
        if kind == SEGMENT:
            out[r] = 0.5 * (obs_a[e, r] + obs_b[e, r])
            size += 0.25 * (obs_b[e, r] - obs_a[e, r]) * (obs_b[e, r] - obs_a[e, r])
        else:
            out[r] = part_pos[e, r]
            size += half[e, r] * half[e, r] * column
    if kind == HULL:
        for k in range(span[e, 4], span[e, 5]):
            far = corners[k, 0] ** 2 + corners[k, 1] ** 2 + corners[k, 2] ** 2
            if not far <= size:
                size = far
        if not math.isfinite(whole):
            size = math.nan
    out[3] = math.sqrt(size)


@kernel
def _closing_here(
    rot: FloatArray,
    pos: FloatArray,
    a: FloatArray,
    b: FloatArray,
    joint: int,
    joint_parent: NDArray[np.int64],
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    fastest: FloatArray,
) -> float:
    """How fast any point of the segment ab can move in this posture, [m/s]; `lever` holds for every posture.

    A point's speed about an axis is convex in where it is on the segment: an end is the fastest.
    """
    total = 0.0
    i = joint
    while i >= 0:
        if joint_prismatic[i]:
            total += fastest[i]
        else:
            ux = joint_axis[i, 0]
            uy = joint_axis[i, 1]
            uz = joint_axis[i, 2]
            wx = rot[i, 0, 0] * ux + rot[i, 0, 1] * uy + rot[i, 0, 2] * uz
            wy = rot[i, 1, 0] * ux + rot[i, 1, 1] * uy + rot[i, 1, 2] * uz
            wz = rot[i, 2, 0] * ux + rot[i, 2, 1] * uy + rot[i, 2, 2] * uz
            x = a[0] - pos[i, 0]
            y = a[1] - pos[i, 1]
            z = a[2] - pos[i, 2]
            one = (wy * z - wz * y) ** 2 + (wz * x - wx * z) ** 2 + (wx * y - wy * x) ** 2
            x = b[0] - pos[i, 0]
            y = b[1] - pos[i, 1]
            z = b[2] - pos[i, 2]
            other = (wy * z - wz * y) ** 2 + (wz * x - wx * z) ** 2 + (wx * y - wy * x) ** 2
            total += math.sqrt(max(one, other)) * fastest[i]
        i = joint_parent[i]
    return total if math.isfinite(total) else math.inf


@kernel
def _far(world_a: FloatArray, world_b: FloatArray, c: int, balls: FloatArray, e: int, reach: float) -> bool:
    """Whether the axis of capsule `c` stays further than `reach` from the ball of part `e`."""
    ux = world_b[c, 0] - world_a[c, 0]
    uy = world_b[c, 1] - world_a[c, 1]
    uz = world_b[c, 2] - world_a[c, 2]
    x = balls[e, 0] - world_a[c, 0]
    y = balls[e, 1] - world_a[c, 1]
    z = balls[e, 2] - world_a[c, 2]
    uu = ux * ux + uy * uy + uz * uz
    t = min(max((ux * x + uy * y + uz * z) / uu, 0.0), 1.0) if uu > 0.0 else 0.0
    x -= t * ux
    y -= t * uy
    z -= t * uz
    need = (reach + balls[e, 3]) * _UNRIGID
    apart = x * x + y * y + z * z
    return bool(need > 0.0 and need * need <= apart < _FAR_M * _FAR_M)


@kernel
def _apart(world_a: FloatArray, world_b: FloatArray, c: int, d: int, reach: float) -> bool:
    """Whether the balls about the axes of capsules `c` and `d` stay further apart than `reach`."""
    apart = 0.0
    one = 0.0
    other = 0.0
    for r in range(3):
        middle = 0.5 * (world_a[c, r] + world_b[c, r] - world_a[d, r] - world_b[d, r])
        apart += middle * middle
        one += (world_b[c, r] - world_a[c, r]) ** 2
        other += (world_b[d, r] - world_a[d, r]) ** 2
    need = reach + 0.5 * (math.sqrt(one) + math.sqrt(other))
    return bool(need > 0.0 and need * need <= apart < _FAR_M * _FAR_M)


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
