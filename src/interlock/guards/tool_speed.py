"""Speed of the tool, and how much it can change between two moments."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.guards.kinematics import point_jacobian
from interlock.hal.arrays import FloatArray

__all__ = ["point_speed", "tool_speed_change"]


@kernel
def point_speed(
    rot: FloatArray,
    pos: FloatArray,
    point: FloatArray,
    joint: int,
    joint_parent: NDArray[np.int64],
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    velocity: FloatArray,
    jacobian: FloatArray,
) -> float:
    """Speed of a point that moves with `joint`, [m/s].

    Args:
        rot: see `kinematics`; so are the others down to `joint_prismatic`.
        pos: see `kinematics`.
        point: the point in the world, shape (3,), [m].
        joint: joint that carries the point.
        joint_parent: see `kinematics`.
        joint_axis: see `kinematics`.
        joint_prismatic: see `kinematics`.
        velocity: joint velocities, shape (n,), [rad/s].
        jacobian: room for the point's Jacobian, shape (3, n), written.
    """
    point_jacobian(rot, pos, point, joint, joint_parent, joint_axis, joint_prismatic, jacobian)
    total = 0.0
    for r in range(3):
        value = 0.0
        for i in range(velocity.shape[0]):
            value += jacobian[r, i] * velocity[i]
        total += value * value
    return math.sqrt(total)


@kernel
def tool_speed_change(
    nodes: FloatArray, speed_bound: FloatArray, tool_lever: FloatArray, t0: float, t1: float, period_s: float
) -> float:
    """Bound on how much the TCP's speed can change from the middle to an end of [t0, t1], [m/s].

    |d(Jv)/dt| <= sum_i L_i |a_i| + sum_ij max(L_i, L_j) |v_i| |v_j|.
    """
    n = nodes.shape[2]
    first = int(t0)
    last = min(math.ceil(t1), nodes.shape[0] - 1)
    rate = 0.0
    for i in range(n):
        a_top = 0.0
        for k in range(first, last + 1):
            a_top = max(a_top, abs(nodes[k, 2, i]))
        v_i = 0.0
        for k in range(first, min(last, speed_bound.shape[0] - 1) + 1):
            v_i = max(v_i, speed_bound[k, i])
        rate += tool_lever[i] * a_top
        for j in range(n):
            v_j = 0.0
            for k in range(first, min(last, speed_bound.shape[0] - 1) + 1):
                v_j = max(v_j, speed_bound[k, j])
            rate += max(tool_lever[i], tool_lever[j]) * v_i * v_j
    return rate * 0.5 * (t1 - t0) * period_s
