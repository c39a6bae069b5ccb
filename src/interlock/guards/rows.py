"""Linear rows for the projector: how fast each close pair may close."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interlock.guards.box_distance import box_exit_normal
from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment_scalars
from interlock.guards.kinematics import capsules_world, forward, point_jacobian
from interlock.guards.part_distance import environment_distance
from interlock.hal.arrays import FloatArray

__all__ = ["closing_rows"]


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
    is_box: NDArray[np.bool_],
    box_rot: FloatArray,
    box_pos: FloatArray,
    half: FloatArray,
    obs_a: FloatArray,
    obs_b: FloatArray,
    inflation: FloatArray,
    obs_speed: FloatArray,
    skip: NDArray[np.bool_],
    horizon_s: float,
    soft_m: float,
    reach_m: float,
    gain: float,
    largest_retreat: float,
    out_rows: FloatArray,
    out_bound: FloatArray,
    out_slack: FloatArray,
    out_item: NDArray[np.int64],
) -> int:
    """Write rows G and bounds b with G v >= b for the closest pairs; a row's rate is that of its distance.

    b = -gain * (distance - required - soft), a velocity damper (Faverjon and Tournassoud, ICRA 1987). An
    obstacle that moves by itself is grown by its speed bound over `horizon_s` first.

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
        is_box: see `sweep`.
        box_rot: see `sweep`.
        box_pos: see `sweep`.
        half: see `sweep`.
        obs_a: see `sweep`.
        obs_b: see `sweep`.
        inflation: see `sweep`.
        obs_speed: see `sweep`.
        skip: see `sweep`.
        horizon_s: how far ahead moving obstacles are grown, [s].
        soft_m: comfort kept on top of what is required, [m].
        reach_m: pairs further apart than this get no row, [m].
        gain: damper gain, [1/s].
        largest_retreat: bound on how fast a row may ask to open a distance, [m/s].
        out_rows: shape (k, n), written, [m/rad].
        out_bound: shape (k,), written, [m/s].
        out_slack: shape (k,), distance left of each row, written, [m].
        out_item: shape (k,), which pair each row is of, written: capsule * parts + part, and from
            capsules * parts on the index into `self_pairs`.

    Returns:
        How many rows were written; the closest pairs win.
    """
    n = q.shape[0]
    caps = cap_joint.shape[0]
    parts = is_box.shape[0]
    rot = np.empty((n, 3, 3))
    pos = np.empty((n, 3))
    world_a = np.empty((caps, 3))
    world_b = np.empty((caps, 3))
    forward(q, joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
    capsules_world(rot, pos, cap_joint, cap_a, cap_b, world_a, world_b)
    item = out_item
    count = 0
    for c in range(caps):
        if cap_joint[c] < 0:
            continue
        for e in range(parts):
            if skip[c, e]:
                continue
            found = environment_distance(world_a, world_b, c, e, is_box, box_rot, box_pos, half, obs_a, obs_b)
            left = found[0] - cap_radius[c] - inflation[e] - tube[c] - obs_speed[e] * horizon_s - soft_m
            if left < reach_m:
                count = _insert(out_slack, item, count, left, c * parts + e)
    first_self = caps * parts
    for k in range(self_pairs.shape[0]):
        i = self_pairs[k, 0]
        j = self_pairs[k, 1]
        found = segment_segment_scalars(
            world_a[i, 0], world_a[i, 1], world_a[i, 2], world_b[i, 0], world_b[i, 1], world_b[i, 2],
            world_a[j, 0], world_a[j, 1], world_a[j, 2], world_b[j, 0], world_b[j, 1], world_b[j, 2],
        )  # fmt: skip
        left = found[0] - cap_radius[i] - cap_radius[j] - pair_tube[k] - self_margin - soft_m
        if left < reach_m:
            count = _insert(out_slack, item, count, left, first_self + k)
    point = np.empty(3)
    other = np.empty(3)
    normal = np.empty(3)
    jacobian = np.empty((3, n))
    for row in range(count):
        which = item[row]
        if which < first_self:
            c = which // parts
            e = which - c * parts
            found = environment_distance(world_a, world_b, c, e, is_box, box_rot, box_pos, half, obs_a, obs_b)
            joint, opposite = cap_joint[c], -1
        else:
            c = self_pairs[which - first_self, 0]
            d = self_pairs[which - first_self, 1]
            e = -1
            found = segment_segment_scalars(
                world_a[c, 0], world_a[c, 1], world_a[c, 2], world_b[c, 0], world_b[c, 1], world_b[c, 2],
                world_a[d, 0], world_a[d, 1], world_a[d, 2], world_b[d, 0], world_b[d, 1], world_b[d, 2],
            )  # fmt: skip
            joint, opposite = cap_joint[c], cap_joint[d]
        length = found[0]
        for r in range(3):
            point[r] = found[1 + r]
            other[r] = found[4 + r]
        if length > 1e-6:
            for r in range(3):
                normal[r] = (point[r] - other[r]) / length
        elif e >= 0 and is_box[e]:
            box_exit_normal(point, box_rot[e], box_pos[e], half[e], normal)
        else:
            normal[0] = 0.0
            normal[1] = 0.0
            normal[2] = 1.0
        point_jacobian(rot, pos, point, joint, joint_parent, joint_axis, joint_prismatic, jacobian)
        for i in range(n):
            out_rows[row, i] = (
                normal[0] * jacobian[0, i] + normal[1] * jacobian[1, i] + normal[2] * jacobian[2, i]
            )
        if opposite >= 0:
            point_jacobian(rot, pos, other, opposite, joint_parent, joint_axis, joint_prismatic, jacobian)
            for i in range(n):
                out_rows[row, i] -= (
                    normal[0] * jacobian[0, i] + normal[1] * jacobian[1, i] + normal[2] * jacobian[2, i]
                )
        out_bound[row] = min(-gain * out_slack[row], largest_retreat)
    return count


@kernel
def _insert(slack: FloatArray, item: NDArray[np.int64], count: int, value: float, which: int) -> int:
    """Keep the smallest values, ascending."""
    room = slack.shape[0]
    if count == room and value >= slack[room - 1]:
        return count
    at = count if count < room else room - 1
    while at > 0 and slack[at - 1] > value:
        slack[at] = slack[at - 1]
        item[at] = item[at - 1]
        at -= 1
    slack[at] = value
    item[at] = which
    return int(min(count + 1, room))
