"""One step of the joints toward a pose of the tool: damped least squares, as a kernel.

With J the Jacobian of the tool, e what is to be made up for and W = diag(p^2, p^2, p^2, r^2, r^2, r^2), the
step d is the smallest that minimises |W^(1/2) (J d - e)|^2 + l^2 |d|^2. The damping l grows where the tool
loses a direction (Nakamura and Hanafusa 1986), by the smallest eigenvalue of W^(1/2) J J' W^(1/2), which a
few steps of inverse iteration find.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.guards.compile import kernel
from interlock.guards.kinematics import forward, point_jacobian, tool_position
from interlock.guards.rotation import turn_between
from interlock.hal.arrays import FloatArray

__all__ = ["POSITION_WEIGHT", "ROTATION_WEIGHT", "damped_step", "tool_frame", "toward_pose"]

POSITION_WEIGHT = 2.0  # [1/m]
ROTATION_WEIGHT = 0.4  # [1/rad]
_WEAK = 0.01  # an eigenvalue below it is of a direction that is being lost
_DAMPING = 0.02  # of a direction that is lost, squared
_LEAST = 1e-12
_TURNS = 4  # of the inverse iteration


@kernel
def tool_frame(
    q: FloatArray,
    joint_parent: NDArray[np.int64],
    joint_rot: FloatArray,
    joint_pos: FloatArray,
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    tool_joint: int,
    tool_rot: FloatArray,
    tool_pos: FloatArray,
    rot: FloatArray,
    pos: FloatArray,
    out_rot: FloatArray,
    out_pos: FloatArray,
    out_jacobian: FloatArray,
) -> None:
    """Write pose and Jacobian of the tool at `q`, shape (n,).

    Args:
        q: joint positions, [rad or m].
        joint_parent: as in `kinematics`, as the next four.
        joint_rot: see there.
        joint_pos: see there.
        joint_axis: see there.
        joint_prismatic: see there.
        tool_joint: joint that carries the tool, not the world.
        tool_rot: rotation of the tool in that joint's frame, shape (3, 3).
        tool_pos: position of the tool in that joint's frame, shape (3,), [m].
        rot: overwritten, shape (n, 3, 3).
        pos: overwritten, shape (n, 3).
        out_rot: rotation of the tool in the world, shape (3, 3), written.
        out_pos: position of the tool in the world, shape (3,), [m], written.
        out_jacobian: in world axes, linear rows first, shape (6, n), written.
    """
    forward(q, joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, rot, pos)
    tool_position(rot, pos, tool_joint, tool_pos, out_pos)
    for r in range(3):
        for c in range(3):
            out_rot[r, c] = (
                rot[tool_joint, r, 0] * tool_rot[0, c]
                + rot[tool_joint, r, 1] * tool_rot[1, c]
                + rot[tool_joint, r, 2] * tool_rot[2, c]
            )
    point_jacobian(rot, pos, out_pos, tool_joint, joint_parent, joint_axis, joint_prismatic, out_jacobian[:3])
    for r in range(3):
        for i in range(q.shape[0]):
            out_jacobian[3 + r, i] = 0.0
    i = tool_joint
    while i >= 0:
        if not joint_prismatic[i]:
            for r in range(3):
                out_jacobian[3 + r, i] = (
                    rot[i, r, 0] * joint_axis[i, 0]
                    + rot[i, r, 1] * joint_axis[i, 1]
                    + rot[i, r, 2] * joint_axis[i, 2]
                )
        i = joint_parent[i]


@kernel
def _factor(jacobian: FloatArray, weight: FloatArray, damping: float, out: FloatArray) -> None:
    """Write the lower Cholesky factor of W^(1/2) J J' W^(1/2) + damping, shape (6, 6)."""
    for r in range(6):
        for c in range(r + 1):
            total = 0.0
            for i in range(jacobian.shape[1]):
                total += jacobian[r, i] * jacobian[c, i]
            total *= weight[r] * weight[c]
            if r == c:
                total += damping
            for k in range(c):
                total -= out[r, k] * out[c, k]
            if r == c:
                out[r, r] = math.sqrt(max(total, _LEAST))
            else:
                out[r, c] = total / out[c, c]


@kernel
def _solve(factor: FloatArray, x: FloatArray) -> None:
    """Solve, in place, with a lower Cholesky factor."""
    for r in range(6):
        total = x[r]
        for k in range(r):
            total -= factor[r, k] * x[k]
        x[r] = total / factor[r, r]
    for b in range(6):
        r = 5 - b
        total = x[r]
        for k in range(r + 1, 6):
            total -= factor[k, r] * x[k]
        x[r] = total / factor[r, r]


@kernel
def _least_eigenvalue(factor: FloatArray, x: FloatArray) -> float:
    """What a matrix with this Cholesky factor does least, about; never less than that. `x` is overwritten."""
    for r in range(6):
        x[r] = 1.0 + 0.3 * r  # has a share of every direction that counts
    length = 1.0
    for _ in range(_TURNS):
        total = 0.0
        for r in range(6):
            total += x[r] * x[r]
        length = math.sqrt(total)
        for r in range(6):
            x[r] /= length
        _solve(factor, x)
    total = 0.0
    for r in range(6):
        total += x[r] * x[r]
    return 1.0 / math.sqrt(total)


@kernel
def damped_step(
    jacobian: FloatArray, error: FloatArray, weight: FloatArray, scratch: FloatArray, out: FloatArray
) -> None:
    """Write the step, shape (n,), that makes up for `error`, shape (6,), [m, rad]; of a rate, the velocity.

    Args:
        jacobian: of the tool, shape (6, n).
        error: what is to be made up for.
        weight: p and r, shape (6,).
        scratch: overwritten, shape (7, 6).
        out: written.
    """
    factor, x = scratch[:6], scratch[6]
    _factor(jacobian, weight, 0.0, factor)
    least = _least_eigenvalue(factor, x)
    if not least > _WEAK:
        share = 1.0 - least / _WEAK
        _factor(jacobian, weight, _DAMPING * share * share, factor)
    for r in range(6):
        x[r] = weight[r] * error[r]
    _solve(factor, x)
    for i in range(jacobian.shape[1]):
        total = 0.0
        for r in range(6):
            total += jacobian[r, i] * weight[r] * x[r]
        out[i] = total


@kernel
def toward_pose(
    steps: int,
    target_rot: FloatArray,
    target_pos: FloatArray,
    rate: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    most: float,
    joint_parent: NDArray[np.int64],
    joint_rot: FloatArray,
    joint_pos: FloatArray,
    joint_axis: FloatArray,
    joint_prismatic: NDArray[np.bool_],
    tool_joint: int,
    tool_rot: FloatArray,
    tool_pos: FloatArray,
    weight: FloatArray,
    rot: FloatArray,
    pos: FloatArray,
    here_rot: FloatArray,
    here_pos: FloatArray,
    jacobian: FloatArray,
    error: FloatArray,
    turn: FloatArray,
    scratch: FloatArray,
    step: FloatArray,
    q: FloatArray,
    out_v: FloatArray,
) -> None:
    """Move `q`, shape (n,), in place toward a pose of the tool, inside its limits, and write its velocity.

    Args:
        steps: how many steps are taken.
        target_rot: rotation wanted, shape (3, 3).
        target_pos: position wanted, shape (3,), [m].
        rate: velocity wanted of the tool in the world, linear first, shape (6,), [m/s, rad/s].
        lower: of the joints, shape (n,), [rad].
        upper: of the joints, shape (n,), [rad].
        most: the largest change of a joint in one step, [rad].
        joint_parent: as in `tool_frame`, as the next seven.
        joint_rot: see there.
        joint_pos: see there.
        joint_axis: see there.
        joint_prismatic: see there.
        tool_joint: see there.
        tool_rot: see there.
        tool_pos: see there.
        weight: as in `damped_step`.
        rot: overwritten, as all that follow but the last two; shape (n, 3, 3).
        pos: shape (n, 3).
        here_rot: shape (3, 3).
        here_pos: shape (3,).
        jacobian: shape (6, n).
        error: shape (6,).
        turn: shape (3, 3).
        scratch: shape (7, 6).
        step: shape (n,).
        q: where the joints are, [rad].
        out_v: velocity there, shape (n,), [rad/s].
    """
    for _ in range(steps):
        tool_frame(
            q, joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic,
            tool_joint, tool_rot, tool_pos, rot, pos, here_rot, here_pos, jacobian,
        )  # fmt: skip
        for r in range(3):
            error[r] = target_pos[r] - here_pos[r]
        turn_between(here_rot, target_rot, turn, error[3:])
        damped_step(jacobian, error, weight, scratch, step)
        largest = 0.0
        for i in range(q.shape[0]):
            largest = max(largest, abs(step[i]))
        share = most / largest if largest > most else 1.0
        for i in range(q.shape[0]):
            q[i] = min(max(q[i] + share * step[i], lower[i]), upper[i])
    tool_frame(
        q, joint_parent, joint_rot, joint_pos, joint_axis, joint_prismatic, tool_joint, tool_rot, tool_pos,
        rot, pos, here_rot, here_pos, jacobian,
    )  # fmt: skip
    damped_step(jacobian, rate, weight, scratch, out_v)
