"""Shows that distances which are too small already do not shrink, at any instant of a motion.

For one period, let n be the unit vector between the closest points of a pair at its start. Neither distance
nor time enter what follows: if both ends of the moving segment that are or can come to be the foremost ones
have n . p'(t) >= 0 all along the period, then the plane at right angles to n through the foremost point keeps
the moving one on its side, and the distance stays at least what it was. The next period takes its own n.

n . p'(t) = sum_i g_i(t) v_i(t), where the gradient g_i leaves its value at the start of the period by at most
c_i = sum_j max(L_i, L_j) * (travel of joint j), because a Jacobian column of a point changes with joint j by
no more than the larger of both levers. v_i is a parabola, so sum_i (g_i v_i - c_i |v_i|) has an exact least
value. A joint that carries both sides of a pair does not change their distance: a pair is seen from the last
such joint.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment_scalars
from interlock.guards.kinematics import capsules_world, forward, point_jacobian, tool_position
from interlock.guards.part_distance import part_distance
from interlock.hal.arrays import FloatArray

__all__ = ["BROKEN_FACE", "BROKEN_PART", "BROKEN_SELF", "recedes"]

BROKEN_PART, BROKEN_SELF, BROKEN_FACE = 0, 1, 2

_ROUNDING_M_S = 1e-9  # how far below 0 a rate of distance may come out by rounding
_APART_M = 1e-6  # closer than this, the line between the closest points has no direction


@kernel
def _least_rate(
    start: FloatArray,
    end: FloatArray,
    speed_bound: FloatArray,
    gradient: FloatArray,
    change: FloatArray,
    period_s: float,
) -> float:
    """Least value of sum_i (g_i v_i - c_i |v_i|) over one period, [m/s]."""
    constant = 0.0
    linear = 0.0
    square = 0.0
    for i in range(gradient.shape[0]):
        v0, v1 = start[1, i], end[1, i]
        a0, a1 = start[2, i], end[2, i]
        jerk = (a1 - a0) / period_s
        low, high = min(v0, v1), max(v0, v1)
        if a0 * a1 < 0.0:
            between = v0 - 0.5 * a0 * a0 / jerk
            low, high = min(low, between), max(high, between)
        factor = gradient[i]
        if low >= 0.0:
            factor -= change[i]
        elif high <= 0.0:
            factor += change[i]
        else:
            constant -= change[i] * speed_bound[i]
        constant += factor * v0
        linear += factor * a0
        square += factor * jerk
    last = constant + period_s * (linear + 0.5 * period_s * square)
    least = min(constant, last)
    if square > 0.0:
        at = -linear / square
        if 0.0 < at < period_s:
            least = min(least, constant + 0.5 * at * linear)
    return least if math.isfinite(constant + last) else math.nan


@kernel
def recedes(
    nodes: FloatArray,
    speed_bound: FloatArray,
    period_s: float,
    joint_parent: NDArray[np.int64],
    joint_rot: FloatArray,
    joint_pos: FloatArray,
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    cap_joint: NDArray[np.int64],
    cap_a: FloatArray,
    cap_b: FloatArray,
    lever: FloatArray,
    self_pairs: NDArray[np.int64],
    part_kind: NDArray[np.int8],
    part_rot: FloatArray,
    part_pos: FloatArray,
    half: FloatArray,
    obs_a: FloatArray,
    obs_b: FloatArray,
    span: NDArray[np.int64],
    facets: FloatArray,
    edges: FloatArray,
    tool_joint: int,
    tool_offset: FloatArray,
    tool_lever: FloatArray,
    broken: NDArray[np.int64],
) -> int:
    """Index of the first broken distance not shown to be kept at every instant, -1 if all of them are.

    Args:
        nodes: shape (m, 3, n), m >= 2.
        speed_bound: from `travel_bounds`, shape (m - 1, n), [rad/s].
        period_s: time between nodes, [s].
        joint_parent: kinematic tree, see `kinematics`.
        joint_rot: see `kinematics`.
        joint_pos: see `kinematics`.
        joint_axis: see `kinematics`.
        joint_prismatic: see `kinematics`.
        cap_joint: see `MovingSolid`.
        cap_a: see `MovingSolid`.
        cap_b: see `MovingSolid`.
        lever: see `MovingSolid`.
        self_pairs: see `MovingSolid`.
        part_kind: see `Obstacles`; so are the other arrays of parts, all of which stand still.
        part_rot: see `Obstacles`.
        part_pos: see `Obstacles`.
        half: see `Obstacles`.
        obs_a: see `Obstacles`.
        obs_b: see `Obstacles`.
        span: see `Obstacles`.
        facets: see `Obstacles`.
        edges: see `Obstacles`.
        tool_joint: joint that carries the TCP.
        tool_offset: TCP in that joint's frame, shape (3,), [m].
        tool_lever: see `BodyModel`, shape (n,), [m/rad].
        broken: what is too near, shape (k, 3): BROKEN_PART, capsule, part; BROKEN_SELF, pair, 0; or
            BROKEN_FACE, zone, 2 * axis + (1 for the upper face).
    """
    n = nodes.shape[2]
    caps = cap_joint.shape[0]
    rot = np.empty((n, 3, 3))
    pos = np.empty((n, 3))
    world_a = np.empty((caps, 3))
    world_b = np.empty((caps, 3))
    tool = np.empty(3)
    normal = np.empty(3)
    point = np.empty(3)
    jacobian = np.empty((3, n))
    gradient = np.empty((2, n))  # of the two ends of the first capsule
    against = np.zeros((2, n))  # of the two ends of the second one
    height = np.empty(2)
    depth = np.empty(2)
    total = np.empty(n)
    change = np.empty(n)
    lever_one = np.empty(n)
    lever_other = np.zeros(n)
    for k in range(nodes.shape[0] - 1):
        forward(nodes[k, 0], joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
        capsules_world(rot, pos, cap_joint, cap_a, cap_b, world_a, world_b)
        tool_position(rot, pos, tool_joint, tool_offset, tool)
        for index in range(broken.shape[0]):
            kind, first, second = broken[index, 0], broken[index, 1], broken[index, 2]
            if kind == BROKEN_FACE:
                axis = second // 2
                sign = -1.0 if second % 2 == 1 else 1.0
                point_jacobian(
                    rot, pos, tool, tool_joint, joint_parent, joint_axis, joint_prismatic, jacobian
                )
                for i in range(n):
                    total[i] = sign * jacobian[axis, i]
                _changes(tool_lever, speed_bound[k], period_s, change)
                rate = _least_rate(nodes[k], nodes[k + 1], speed_bound[k], total, change, period_s)
                if not rate >= -_ROUNDING_M_S:
                    return index
                continue
            one = first if kind == BROKEN_PART else self_pairs[first, 0]
            other = -1 if kind == BROKEN_PART else self_pairs[first, 1]
            if kind == BROKEN_PART:
                found = part_distance(
                    world_a, world_b, one, second, part_kind, part_rot, part_pos, half, obs_a, obs_b,
                    span, facets, edges,
                )  # fmt: skip
            else:
                found = segment_segment_scalars(
                    world_a[one, 0], world_a[one, 1], world_a[one, 2],
                    world_b[one, 0], world_b[one, 1], world_b[one, 2],
                    world_a[other, 0], world_a[other, 1], world_a[other, 2],
                    world_b[other, 0], world_b[other, 1], world_b[other, 2],
                )  # fmt: skip
            if not found[0] > _APART_M:
                return index
            for r in range(3):
                normal[r] = (found[1 + r] - found[4 + r]) / found[0]
            for i in range(n):
                both = other >= 0 and lever[one, i] > 0.0 and lever[other, i] > 0.0
                lever_one[i] = 0.0 if both else lever[one, i]
                lever_other[i] = 0.0 if both or other < 0 else lever[other, i]
            far = 2.0 * _travel(lever_one, speed_bound[k], period_s)
            _ends(
                rot, pos, world_a[one], world_b[one], cap_joint[one], joint_parent, joint_axis,
                joint_prismatic, normal, point, jacobian, gradient, height,
            )  # fmt: skip
            depth[0] = 0.0
            depth[1] = 0.0
            _changes(lever_one, speed_bound[k], period_s, change)
            against_far = 0.0
            if other >= 0:
                _ends(
                    rot, pos, world_a[other], world_b[other], cap_joint[other], joint_parent, joint_axis,
                    joint_prismatic, normal, point, jacobian, against, depth,
                )  # fmt: skip
                against_far = 2.0 * _travel(lever_other, speed_bound[k], period_s)
                for i in range(n):
                    total[i] = change[i]
                _changes(lever_other, speed_bound[k], period_s, change)
                for i in range(n):
                    change[i] += total[i]
            for p in range(2):
                if height[p] > min(height[0], height[1]) + far:
                    continue  # stays behind the other end
                for s in range(2):
                    if other < 0 and s == 1:
                        continue
                    if other >= 0 and depth[s] < max(depth[0], depth[1]) - against_far:
                        continue
                    for i in range(n):
                        total[i] = gradient[p, i] if lever_one[i] > 0.0 else 0.0
                        if lever_other[i] > 0.0:
                            total[i] -= against[s, i]
                    rate = _least_rate(nodes[k], nodes[k + 1], speed_bound[k], total, change, period_s)
                    if not rate >= -_ROUNDING_M_S:
                        return index
    return -1


@kernel
def _travel(lever: FloatArray, speed_bound: FloatArray, period_s: float) -> float:
    """How far a point with these levers can get in one period, [m]."""
    way = 0.0
    for i in range(lever.shape[0]):
        way += lever[i] * speed_bound[i] * period_s
    return way


@kernel
def _changes(lever: FloatArray, speed_bound: FloatArray, period_s: float, out: FloatArray) -> None:
    """How much each Jacobian column of a point with these levers can change in one period, [m/rad]."""
    for i in range(lever.shape[0]):
        out[i] = 0.0
        if lever[i] > 0.0:
            for j in range(lever.shape[0]):
                if lever[j] > 0.0:
                    out[i] += max(lever[i], lever[j]) * speed_bound[j] * period_s


@kernel
def _ends(
    rot: FloatArray,
    pos: FloatArray,
    end_a: FloatArray,
    end_b: FloatArray,
    joint: int,
    joint_parent: NDArray[np.int64],
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    normal: FloatArray,
    point: FloatArray,
    jacobian: FloatArray,
    out_gradient: FloatArray,
    out_height: FloatArray,
) -> None:
    """Height of both ends of a segment along `normal`, [m], and its gradients, shape (2, n), [m/rad]."""
    for p in range(2):
        out_height[p] = 0.0
        for r in range(3):
            point[r] = end_a[r] if p == 0 else end_b[r]
            out_height[p] += normal[r] * point[r]
        point_jacobian(rot, pos, point, joint, joint_parent, joint_axis, joint_prismatic, jacobian)
        for i in range(jacobian.shape[1]):
            out_gradient[p, i] = (
                normal[0] * jacobian[0, i] + normal[1] * jacobian[1, i] + normal[2] * jacobian[2, i]
            )
